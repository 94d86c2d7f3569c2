"""A worker's JSON: its health, and errors in the shape that `inference.wire_errors.read_error` reads."""

import msgspec
from aiohttp import web

from inference.errors import EngineError, EngineRefused, EngineUnavailable


class Health(msgspec.Struct, frozen=True):
    """What GET /health answers, as JSON."""

    state: str
    """``loading``, ``ready`` or ``failed``."""
    progress: float | None = None
    """0..1 while loading, if known."""
    detail: str = ""
    memory_bytes: int = 0
    """What the process holds now, its libraries included."""


def health_response(health: Health) -> web.Response:
    """Always 200: its ``state`` says the rest."""
    told = msgspec.structs.replace(health, memory_bytes=resident_bytes())
    return _json(told, 200)


def error_response(error: EngineError) -> web.Response:
    status = 400 if isinstance(error, EngineRefused) else 503 if isinstance(error, EngineUnavailable) else 500
    told = {"message": error.message, "code": error.code, "permanent": error.permanent}
    return _json({"error": told}, status)


def refused(message: str) -> web.Response:
    return error_response(EngineRefused(message))


def resident_bytes() -> int:
    """What this process holds in memory, without what is shared (Linux's /proc)."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - not a file of anybody's
        _, resident, shared, *_ = (int(pages) for pages in file.read().split())
    return (resident - shared) * 4096


def _json(value: object, status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
