"""Errors as programs read them: problem details of RFC 9457, ``application/problem+json``."""

import http
from typing import Any

import msgspec

CONTENT_TYPE = "application/problem+json"


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field or parameter; ``field`` is empty when it is the request as a whole."""

    field: str
    detail: str


class Problem(msgspec.Struct, frozen=True):
    """``detail`` is for people; ``code`` is for programs and stays the same."""

    status: int
    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()

    def body(self) -> dict[str, Any]:
        """Ready for JSON. The type is ``about:blank``: the status and ``code`` say it all."""
        title = http.HTTPStatus(self.status).phrase
        found = {"type": "about:blank", "title": title, "status": self.status, "code": self.code, "detail": self.detail}
        return found | ({"errors": msgspec.to_builtins(self.errors)} if self.errors else {})

    def json(self) -> bytes:
        return msgspec.json.encode(self.body())
