"""The description of the API (OpenAPI 3.1): without signing in, made once per process, every error in it."""

import functools
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from avatar_project.api.problems import CODES
from common.rest import WhateverIsAccepted
from conversations.problem import Problem

_PROBLEM = {
    "type": "object",
    "description": "A problem detail (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "For programs: it stays the same."},
        "detail": {"type": "string", "description": "For people."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
_ALWAYS = {
    "400": "The request is not right; `errors` says where.",
    "401": "No key, no session, or one that is not valid.",
    "403": "The key lacks the scope, or the person the permission.",
    "404": "There is no such thing, or it is another's.",
    "406": "The type asked for in `Accept` is not offered.",
    "429": "Too many requests: `Retry-After` says in how many seconds to come back.",
    "500": "The server failed, and wrote down why.",
    "503": "Busy: try again.",
}
_WITH_BODY = {
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "409": "It cannot be done any more: it was erased.",
}
_RANGES = {"416": "The range lies beyond the end."}
"""RFC 9110's; for sound."""


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing: every operation can answer with problem details."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            problems = dict(_ALWAYS)
            if method in {"post", "put", "patch", "delete"}:
                problems |= _WITH_BODY
            if path.endswith(("/audio/{side}/", "/audio/")) and method == "get":
                problems |= _RANGES
            for status, description in problems.items():
                operation["responses"].setdefault(status, _response(status, description))
    return result


def _response(status: str, description: str) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": description,
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": Problem(int(status), CODES[int(status)], description).body(),
            }
        },
    }
    if status in {"429", "503"}:
        response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return response


@functools.cache
def description() -> bytes:
    """As JSON."""
    generator: Any = SchemaGenerator
    schema = generator().get_schema(public=True)
    rendered: bytes = OpenApiJsonRenderer().render(schema)
    return rendered


class Schema(APIView):
    """The description itself, and nobody has to sign in for it."""

    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(description(), content_type="application/vnd.oai.openapi+json")


@require_safe
@login_not_required
def docs(request: HttpRequest) -> HttpResponse:
    """A page to browse the description, and to try requests with the browser's own session."""
    names = {"schema": reverse("api_schema"), "csrf": settings.CSRF_COOKIE_NAME}
    get_token(request)  # Sets the cookie that the page's requests need.
    return render(request, "api/docs.html", {"names": names})
