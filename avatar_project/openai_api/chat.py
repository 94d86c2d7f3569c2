"""POST /v1/chat/completions: the chat model, streamed or at once, with tools."""

import functools
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Literal

import msgspec
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse

from avatar_project.openai_api.callers import CHAT, Caller
from avatar_project.openai_api.errors import invalid, of_engine
from avatar_project.openai_api.handler import Request
from avatar_project.openai_api.places import Places
from avatar_project.openai_api.views import SSE, Answer, caller, places, read_json, view
from inference.errors import EngineError
from inference.relay import Relay

DUE_IN_S = 1.0
"""A program waits a second longer than a person who has just finished speaking."""
_PASSED = frozenset(
    {
        *("messages", "model", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls"),
        *("max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p", "seed", "stop"),
        *("frequency_penalty", "presence_penalty", "repeat_penalty", "logit_bias", "logprobs", "top_logprobs"),
        *("response_format", "reasoning_effort"),
    }
)
"""Others are left out: some servers have fields that reach into what belongs to other people (a slot, a cache)."""
_FIELD = re.compile(r"\$\.(\w+)")
Above0 = Annotated[int, msgspec.Meta(ge=1)]


class Part(msgspec.Struct, frozen=True):
    """Text alone: a picture's address would have the chat model's server fetch it (docs/adr/0148)."""

    type: Literal["text", "refusal"]


class Message(msgspec.Struct, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class Tool(msgspec.Struct, frozen=True):
    function: dict[str, Any] | None = None


class Shape(msgspec.Struct, frozen=True):
    """What a request must look like for its way to the model."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1, max_length=2000)]
    model: str | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    tools: Annotated[list[Tool], msgspec.Meta(max_length=128)] | None = None
    tool_choice: str | Tool | None = None
    n: Literal[1] | None = None
    max_tokens: Above0 | None = None
    max_completion_tokens: Above0 | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    response_format: dict[str, Any] | None = None


@functools.cache
def relay() -> Relay:
    """Shared by all requests of this process, on its one event loop."""
    return Relay(settings.INFERENCE.engine_url, api_key=settings.INFERENCE.engine_api_key)


@view("POST", CHAT)
async def completions(request: Request) -> Answer:
    asked = read_json(request, dict[str, Any])
    _check(asked)
    body = _passed(asked, caller(request))
    if not body.get("stream"):
        async with places(request).chat():
            answer = await relay().completion(body, due_in_s=DUE_IN_S)
        return HttpResponse(answer, content_type="application/json", headers={"Cache-Control": "no-store"})
    pieces = _events(body, places(request))
    first = await anext(pieces)  # what is refused is refused with a status
    return StreamingHttpResponse(_after(first, pieces), headers=SSE)


def _check(asked: Mapping[str, Any]) -> None:
    """Types and bounds; what a value means is the chat model's to judge."""
    try:
        msgspec.convert(asked, Shape)
    except msgspec.ValidationError as error:
        where = _FIELD.search(str(error))
        raise invalid(f"The request is not what it should be: {error}", where[1] if where else None) from None


def _passed(asked: Mapping[str, Any], who: Caller) -> dict[str, Any]:
    """What goes on to the host; `prompt_cache_key` in a space of the caller's own."""
    body = {name: value for name, value in asked.items() if name in _PASSED and value is not None}
    if isinstance(key := asked.get("prompt_cache_key"), str) and key:
        body["prompt_cache_key"] = f"api:{who.person_id}:{key[:100]}"
    return body


async def _events(body: Mapping[str, Any], line: Places) -> AsyncGenerator[bytes]:
    async with line.chat(), aclosing(relay().completion_events(body, due_in_s=DUE_IN_S)) as pieces:
        async for piece in pieces:
            yield piece


async def _after(first: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(pieces):
        yield first
        try:
            async for piece in pieces:
                yield piece
        except EngineError as error:
            yield of_engine(error).event()
