"""How a server tells that something went wrong, and which `EngineError` that is here."""

from typing import TypeVar

import msgspec

from inference.errors import (
    AudioRefused,
    ContextTooLong,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    ReferenceUnknown,
    ServerFull,
    VoiceStopped,
)

T = TypeVar("T")
_ERRORS: dict[str, type[EngineError]] = {
    kind.code: kind
    for kind in (
        EngineUnavailable,
        EngineRefused,
        ContextTooLong,
        ServerFull,
        AudioRefused,
        ReferenceUnknown,
        VoiceStopped,
    )
}
_UNAVAILABLE = {"overloaded", "expired", "timeout"}


class ToldError(msgspec.Struct):
    """The ``error`` object of OpenAI's answers; ``permanent`` is our own field."""

    message: str = ""
    code: str | int | None = None
    type: str | None = None
    permanent: bool | None = None


class _Body(msgspec.Struct):
    error: ToldError | str | None = None
    message: str | None = None
    detail: str | None = None


def read_error(status: int, body: bytes) -> EngineError:
    """The error of a refused request."""
    try:
        told = msgspec.json.decode(body, type=_Body)
    except msgspec.MsgspecError:
        return as_error(status, ToldError(message=f"The server answered with status {status}."))
    return as_error(status, told.error or told.message or told.detail or f"Status {status}.")


def as_error(status: int, told: ToldError | str) -> EngineError:
    """What was told, of an answer with that status, as an error to raise."""
    error = told if isinstance(told, ToldError) else ToldError(message=told)
    message = error.message or f"The server answered with status {status}."
    kind = _ERRORS.get(str(error.code))
    if kind is not None and issubclass(kind, EngineRefused):
        return kind(message)
    if kind is not None:
        return kind(message, permanent=bool(error.permanent))
    if "context length" in message or error.type == "exceed_context_size_error":
        return ContextTooLong(message)
    if error.code in _UNAVAILABLE or status in (408, 425, 429, 502, 503, 504):
        return EngineUnavailable(message)
    if 400 <= status < 500:
        return EngineRefused(message)
    return EngineError(message, permanent=bool(error.permanent))


def decode(body: bytes, kind: type[T]) -> T:
    """Raises `EngineError` for what is not of that kind."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise EngineError(f"The server's answer cannot be read: {error}") from None
