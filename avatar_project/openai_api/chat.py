"""POST /v1/chat/completions: the chat model, streamed or at once, with tools."""

import functools
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

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
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_PASSED = frozenset(
    {
        *("messages", "model", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls"),
        *("max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p", "seed", "stop"),
        *("frequency_penalty", "presence_penalty", "repeat_penalty", "logit_bias", "logprobs", "top_logprobs"),
        *("response_format", "reasoning_effort"),
    }
)
"""Others are left out: some servers have fields that reach into what belongs to other people (a slot, a cache)."""
_MOST_MESSAGES = 2000


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
    messages = asked.get("messages")
    if not isinstance(messages, list) or not 0 < len(messages) <= _MOST_MESSAGES:
        raise invalid(f"`messages` must be a list of 1 to {_MOST_MESSAGES} messages.", "messages")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise invalid(f"Message {number} must be an object with a known `role`.", "messages")
        if not isinstance(message.get("content"), str | list | None):
            raise invalid(f"The `content` of message {number} must be a string or a list of parts.", "messages")
    if asked.get("n") not in {None, 1}:
        raise invalid("`n` must be 1: ask again for another answer.", "n")
    for name in ("max_tokens", "max_completion_tokens"):
        most = asked.get(name)
        if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
            raise invalid(f"`{name}` must be a whole number above 0.", name)


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
