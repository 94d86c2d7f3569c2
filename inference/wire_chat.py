"""How chat looks on the way between client and server: OpenAI's chat completions."""

from typing import Any

import msgspec

from inference.errors import EngineError
from inference.types import ChatDelta, ChatRequest, ToolCallDelta, Usage
from inference.wire_errors import ToldError, as_error, decode

USAGE_HEADER = "X-Avatar-Usage"
"""``running``: an answer's tokens are to be told as they are counted, since who asks may not wait for its end."""
RUNNING = "running"


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
    error: ToldError | str | None = None


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


def read_delta(event: bytes) -> ChatDelta:
    """One streamed chunk; raises the `EngineError` that it carries."""
    chunk = decode(event, _Chunk)
    if chunk.error is not None:
        raise as_error(503, chunk.error)
    return _delta(chunk, chunk.choices[0].delta if chunk.choices else _Message())


def read_completion(body: bytes) -> ChatDelta:
    """A whole completion as one delta."""
    chunk = decode(body, _Chunk)
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
