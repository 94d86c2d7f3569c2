"""Every error under /api/ is a problem detail (RFC 9457), whoever raised it."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from common.refusals import Invalid, NotAllowed, NotFound, Refused, TooMany
from conversations.log.errors import AudioMissing, KeyDestroyed, LogError
from conversations.problem import CONTENT_TYPE, FieldError, Problem
from inference.errors import EngineRefused, EngineUnavailable

log = structlog.get_logger(__name__)
_LATER = {"Retry-After": "1"}
_OURS: tuple[tuple[tuple[type[Exception], ...], int, str, str], ...] = (
    ((NotFound, Http404), 404, "not_found", "There is no such thing here, or it is not yours."),
    ((NotAllowed,), 403, "", ""),
    ((Invalid,), 400, "", ""),
    ((TooMany,), 429, "", ""),
    ((Refused,), 409, "", ""),
    ((PermissionDenied,), 403, "not_allowed", "You may not do this."),
    ((RequestDataTooBig,), 413, "too_large", "The body is too large: at most 2.5 MB of JSON are taken."),
    ((SuspiciousOperation,), 400, "invalid", "The server could not read the request."),
    ((AudioMissing,), 404, "no_sound", ""),
    ((KeyDestroyed,), 409, "erased", ""),
    ((EngineRefused,), 409, "wrong_state", ""),
    ((EngineUnavailable,), 503, "engine_unavailable", ""),
    ((OperationalError,), 503, "busy", "The database did not answer in time: try again."),
)
"""Kinds of errors, and what they are to a program: status, code and detail (empty: the error's own)."""
_SAME = ("days", "language", "name", "note", "quality", "reason", "scope", "score", "text", "transcript")
_FIELDS = {"audio": "file", "too_large": "file"} | {name: name for name in _SAME}
"""Codes of a request that is wrong in one field, and which: `errors` names it, as where the framework has found it."""
CODES = {
    400: "invalid",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "wrong_state",
    413: "too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    429: "throttled",
    500: "server_error",
    503: "busy",
}


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """REST framework's exception handler."""
    if isinstance(error, exceptions.APIException):
        found, headers = _from_framework(error)
    else:
        found, headers = _from_ours(error), {}
        if found.status == 503:
            headers = _LATER
        if found.status == 500:
            log.error("api_failed", path=context["request"].path, exc_info=error)
            got_request_exception.send(sender=handle, request=context["request"]._request)
    return Response(found.body(), status=found.status, headers=headers, content_type=CONTENT_TYPE)


def _from_framework(error: exceptions.APIException) -> tuple[Problem, dict[str, str]]:
    headers: dict[str, str] = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(math.ceil(wait))
    if isinstance(error, exceptions.ValidationError):
        errors = tuple(_field_errors(error.detail, ""))
        return Problem(error.status_code, "invalid", "The request is not right: see errors.", errors), headers
    return Problem(error.status_code, CODES.get(error.status_code, "refused"), str(error.detail)), headers


def _field_errors(detail: Any, field: str) -> Iterator[FieldError]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from _field_errors(inner, ".".join(part for part in (field, own) if part))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _field_errors(inner, field)
    else:
        yield FieldError(field, str(detail))


def _from_ours(error: Exception) -> Problem:
    for kinds, status, code, detail in _OURS:
        if isinstance(error, kinds):
            told, said = code or getattr(error, "code", "refused"), detail or str(error)
            wrong = (FieldError(_FIELDS[told], said),) if status == 400 and told in _FIELDS else ()
            return Problem(status, told, said, wrong)
    if isinstance(error, LogError) and not error.permanent:
        return Problem(503, "busy", str(error))
    return Problem(500, "server_error", "Something went wrong in the server. It was written to its log.")


class ApiMiddleware:
    """What fails before or beside REST framework (a foreign host, an unknown address) is a problem detail, too.

    And nobody keeps what was said: answers are not to be stored, unless their view says otherwise.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith("/api/"):
            return response
        response.headers.setdefault("Cache-Control", "no-store")
        if (
            response.status_code >= 400
            and not response.streaming
            and response.headers.get("Content-Type") != CONTENT_TYPE
        ):
            status = response.status_code
            code = CODES.get(status, "refused")
            response.content = Problem(status, code, f"The server refused the request with status {status}.").json()
            response.headers["Content-Type"] = CONTENT_TYPE
            response.headers["Content-Length"] = str(len(response.content))
        return response
