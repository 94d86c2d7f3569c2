"""How requests and answers look on the way between client and host: OpenAI's JSON, and a few fields more."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, TypeVar

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
from inference.types import ChatDelta, ChatRequest, HostStatus, MemoryStatus, Queued, ToolCallDelta, Transcript, Usage

T = TypeVar("T")
DUE_HEADER = "X-Avatar-Due-In-Ms"
"""When the result is needed, in milliseconds from now."""
EXPIRES_HEADER = "X-Avatar-Expires-In-Ms"
"""When the work is pointless if it has not begun, in milliseconds from now."""
USAGE_HEADER = "X-Avatar-Usage"
"""``running``: an answer's tokens are to be told as they are counted, since who asks may not wait for its end."""
RUNNING = "running"
_MOST_EVENT_BYTES = 1024 * 1024
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


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class _Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    delta: _Message = msgspec.field(default_factory=_Message)
    message: _Message = msgspec.field(default_factory=_Message)
    finish_reason: str | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None


class _Error(msgspec.Struct):
    message: str = ""
    code: str | int | None = None
    type: str | None = None
    permanent: bool | None = None


class _Timings(msgspec.Struct):
    """llama.cpp's, up to this chunk."""

    prompt_n: int = 0
    """Tokens of the prompt that were read; those of the cache are not among them."""
    cache_n: int = 0
    predicted_n: int = 0


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    timings: _Timings | None = None
    error: _Error | str | None = None


class _Body(msgspec.Struct):
    error: _Error | str | None = None
    message: str | None = None
    detail: str | None = None


class _Transcription(msgspec.Struct):
    text: str
    language: str = ""
    duration: float = 0.0
    avatar: Transcript | None = None


class _Probability(msgspec.Struct):
    probability: float


class _Embedding(msgspec.Struct):
    embedding: tuple[float, ...]


class _Lease(msgspec.Struct):
    id: str = ""
    queued: Queued | None = None
    error: _Error | str | None = None


def chat_body(request: ChatRequest, *, stream: bool) -> bytes:
    """The request in OpenAI's form; what was not set is left out."""
    body: dict[str, Any] = {"messages": request.messages, "model": request.model or "default", "stream": stream}
    if stream:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = request.tools
        if request.tool_choice is not None:
            body["tool_choice"] = request.tool_choice
    for name in ("max_tokens", "temperature", "seed"):
        value = getattr(request, name)
        if value is not None:
            body[name] = value
    if request.prompt_cache_key:
        body["prompt_cache_key"] = request.prompt_cache_key
    return msgspec.json.encode(body)


async def events(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The data of server-sent events until ``[DONE]`` or the end; an event beyond 1 MB raises `EngineError`."""
    data: list[bytes] = []
    line = b""
    async for chunk in chunks:
        *lines, line = (line + chunk).split(b"\n")
        if len(line) > _MOST_EVENT_BYTES:
            raise EngineError("The chat server sent an event that is too long.")
        for item in lines:
            text = item.rstrip(b"\r")
            if text.startswith(b"data:"):
                data.append(text[5:].removeprefix(b" "))
            elif not text and data:
                event = b"\n".join(data)
                data = []
                if event == b"[DONE]":
                    return
                yield event


def read_delta(event: bytes) -> ChatDelta:
    """One streamed chunk; raises the `EngineError` that it carries."""
    chunk = _decode(event, _Chunk)
    if chunk.error is not None:
        raise _as_error(503, chunk.error)
    return _delta(chunk, chunk.choices[0].delta if chunk.choices else _Message())


def read_completion(body: bytes) -> ChatDelta:
    """A whole completion as one delta."""
    chunk = _decode(body, _Chunk)
    if not chunk.choices:
        raise EngineError("The chat server answered without a choice.")
    calls = chunk.choices[0].message.tool_calls or []
    for index, call in enumerate(calls):
        call.index = index
    return _delta(chunk, chunk.choices[0].message)


def _delta(chunk: _Chunk, message: _Message) -> ChatDelta:
    calls = tuple(
        ToolCallDelta(index=call.index, id=call.id, name=call.function.name, arguments=call.function.arguments or "")
        for call in message.tool_calls or ()
    )
    return ChatDelta(
        text=message.content or "",
        tool_calls=calls,
        finish_reason=chunk.choices[0].finish_reason if chunk.choices else None,
        usage=_usage(chunk.usage) if chunk.usage else _so_far(chunk.timings),
    )


def _usage(usage: _Usage) -> Usage:
    details = usage.prompt_tokens_details
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cached_tokens=(details.cached_tokens or 0) if details else 0,
    )


def _so_far(timings: _Timings | None) -> Usage | None:
    if timings is None:
        return None
    return Usage(timings.prompt_n + timings.cache_n, timings.predicted_n, timings.cache_n)


def read_transcript(body: bytes) -> Transcript:
    """The whole transcript of an AVATAR host, or what any other server's ``verbose_json`` tells."""
    answer = _decode(body, _Transcription)
    return answer.avatar or Transcript(text=answer.text, language=answer.language, duration_s=answer.duration)


def read_probability(body: bytes) -> float:
    return _decode(body, _Probability).probability


def read_embedding(body: bytes) -> tuple[float, ...]:
    return _decode(body, _Embedding).embedding


def read_lease(line: bytes) -> str | Queued | None:
    """A line of a lease's response: the place's id, a position in the queue, or a heartbeat; raises a refusal."""
    told = _decode(line, _Lease)
    if told.error is not None:
        raise _as_error(503, told.error)
    return told.id or told.queued


def read_status(body: bytes) -> HostStatus:
    return _decode(body, HostStatus)


def read_memory(body: bytes) -> MemoryStatus:
    return _decode(body, MemoryStatus)


def read_error(status: int, body: bytes) -> EngineError:
    """The error of a refused request."""
    try:
        told = msgspec.json.decode(body, type=_Body)
    except msgspec.MsgspecError:
        return _as_error(status, _Error(message=f"The server answered with status {status}."))
    return _as_error(status, told.error or told.message or told.detail or f"Status {status}.")


def _as_error(status: int, told: _Error | str) -> EngineError:
    error = told if isinstance(told, _Error) else _Error(message=told)
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


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise EngineError(f"The server's answer cannot be read: {error}") from None
