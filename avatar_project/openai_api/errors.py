"""Errors as OpenAI's clients read them: ``{"error": {"message", "type", "param", "code"}}``."""

from typing import Any

import msgspec
from django.http import HttpResponse

from inference.errors import EngineError, EngineRefused, VoiceStopped

RETRY_AFTER_S = 2
_STATUS = {"server_full": 503, "overloaded": 503, "expired": 503, "engine_unavailable": 503, "timeout": 503}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


UNGUESSED = {"X-Content-Type-Options": "nosniff"}
"""What an answer is, its type says: browsers are not to guess it."""


class ApiError(Exception):
    """What is refused, and why; ``message`` is for people and says what to do."""

    def __init__(self, status: int, code: str, message: str, *, param: str | None = None, retry_in_s: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retry_in_s = retry_in_s

    @property
    def body(self) -> dict[str, Any]:
        kind = _TYPES.get(self.status) or ("invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    @property
    def headers(self) -> dict[str, str]:
        found = {"Content-Type": "application/json", "Cache-Control": "no-store", **UNGUESSED}
        if self.status == 401:
            found["WWW-Authenticate"] = 'Bearer realm="avatar"'
        if self.retry_in_s:
            found["Retry-After"] = str(self.retry_in_s)
        return found

    def json(self) -> bytes:
        return msgspec.json.encode(self.body)

    def event(self) -> bytes:
        """As a server-sent event, for a stream that has begun: OpenAI's clients raise it."""
        return b"data: " + self.json() + b"\n\n"

    def response(self) -> HttpResponse:
        response = HttpResponse(self.json(), status=self.status, headers=self.headers)
        response._has_been_logged = True  # type: ignore[attr-defined]  # a refusal is an answer, not a server's error
        return response


def invalid(message: str, param: str | None = None) -> ApiError:
    """The request itself is wrong."""
    return ApiError(400, "invalid_value", message, param=param)


def of_engine(error: EngineError) -> ApiError:
    """An engine's refusal or failure."""
    if isinstance(error, VoiceStopped):
        return ApiError(404, "voice_stopped", error.message, param="voice")
    if isinstance(error, EngineRefused):
        return ApiError(400, error.code, error.message)
    status = _STATUS.get(error.code, 500)
    return ApiError(status, error.code, error.message, retry_in_s=RETRY_AFTER_S if status == 503 else 0)
