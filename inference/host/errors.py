"""Errors as OpenAI's clients expect them, and back-to-back with `inference.errors`."""

from typing import Any

import msgspec
from aiohttp import web

from inference.errors import EngineError, EngineRefused


class NotTaken(EngineError):
    """The listener takes an answer too slowly, or not at all: nobody's engine waits for that."""

    code = "not_taken"


_STATUS = {
    "unauthorized": 401,
    "forbidden": 403,
    "server_full": 503,
    "overloaded": 503,
    "expired": 503,
    "engine_unavailable": 503,
    "model_not_found": 404,
}
_RETRY_AFTER_S = "2"


def error_body(error: EngineError) -> dict[str, Any]:
    """``{"error": {...}}`` with OpenAI's fields and ``permanent``."""
    kind = "invalid_request_error" if isinstance(error, EngineRefused) else "server_error"
    return {
        "error": {
            "message": error.message,
            "type": kind,
            "param": None,
            "code": error.code,
            "permanent": error.permanent,
        }
    }


def error_response(error: EngineError) -> web.Response:
    status = _STATUS.get(error.code, 400 if isinstance(error, EngineRefused) else 500)
    headers = {"Retry-After": _RETRY_AFTER_S} if status == 503 else None
    return json_response(error_body(error), status=status, headers=headers)


def error_event(error: EngineError) -> bytes:
    """The error as a server-sent event, for a stream that has begun."""
    return b"data: " + msgspec.json.encode(error_body(error)) + b"\n\n"


def plain_error(status: int, message: str, code: str) -> web.Response:
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return json_response(body, status=status)


def json_response(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value), status=status, headers=headers, content_type="application/json"
    )
