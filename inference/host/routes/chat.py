"""POST /v1/chat/completions: the request goes to the chat backend, and what it says comes back as it comes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import structlog
from aiohttp import web

from inference import wire, wire_chat
from inference.errors import ContextTooLong, EngineError, EngineRefused, EngineUnavailable
from inference.host.chat.backend import RUNNING_USAGE, ChatBody
from inference.host.chat.forced_call import ForcedCall, constrained, forced_functions
from inference.host.errors import NotTaken, error_event
from inference.host.host import HOST, Host
from inference.host.request import due_at, expires_at, read_json
from inference.host.routes.listener import Listener, hang_up

log = structlog.get_logger(__name__)
_TOO_LONG = ("exceed_context_size_error", "context_length_exceeded", "maximum context length", "context size")
_MOST_ERROR_BYTES = 65_536
_DONE = b"[DONE]"


async def completions(request: web.Request) -> web.StreamResponse:
    host = request.app[HOST]
    due, expires = due_at(request), expires_at(request)
    body = await read_json(request, dict[str, Any])
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        raise EngineRefused("`messages` must be a list with at least one message.")
    if "max_tokens" not in body and "max_completion_tokens" not in body:
        body["max_tokens"] = host.settings.chat_max_tokens
    if body.get("stream") and request.headers.get(wire_chat.USAGE_HEADER) == wire_chat.RUNNING:
        body["stream_options"] = {**(body.get("stream_options") or {}), RUNNING_USAGE: True}
    functions = forced_functions(body) if host.chat.forces_calls() else []
    call = ForcedCall() if functions else None
    if functions:
        body = constrained(body, functions)
    await host.chat.get_ready()
    async with (
        host.memory.using(host.chat.status.engine),
        host.scheduler.turn({"chat": 1}, due=due, expires=expires) as ticket,
    ):
        began = asyncio.get_running_loop().time()
        async with host.chat.post(body) as upstream:
            if upstream.status != 200:
                raise await _refusal(upstream)
            if body.get("stream"):
                return await _stream(request, host, upstream, call, began, ticket.wait_ms)
            answer = await upstream.read()
        _computed(host, began, ticket.wait_ms)
    return web.Response(body=call.whole(answer) if call else answer, content_type="application/json")


async def _stream(
    request: web.Request,
    host: Host,
    upstream: aiohttp.ClientResponse,
    call: ForcedCall | None,
    began: float,
    wait_ms: float,
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    listener = Listener(response)
    tail = b""
    try:
        async for chunk in _as_call(upstream, call) if call else upstream.content.iter_any():
            if not tail:
                elapsed = asyncio.get_running_loop().time() - began
                host.metrics.first_token(host.chat.status.name, elapsed * 1000)
            tail = (tail + chunk)[-32:]
            await listener.give(chunk)
    except NotTaken:
        log.warning("answer_not_taken")
        hang_up(request)
        raise
    except (aiohttp.ClientError, OSError, TimeoutError):
        tail = b""
    if _DONE not in tail:
        # The status has been sent; the client learns from the stream that this answer is not whole.
        await response.write(error_event(EngineUnavailable("The chat model stopped in the middle of its answer.")))
    _computed(host, began, wait_ms)
    await response.write_eof()
    return response


async def _as_call(upstream: aiohttp.ClientResponse, call: ForcedCall) -> AsyncIterator[bytes]:
    async for event in wire.events(upstream.content.iter_any()):
        yield b"data: " + call.event(event) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _computed(host: Host, began: float, wait_ms: float) -> None:
    compute_ms = (asyncio.get_running_loop().time() - began) * 1000
    host.metrics.computed(host.chat.status.name, wait_ms=wait_ms, compute_ms=compute_ms)


async def _refusal(upstream: aiohttp.ClientResponse) -> EngineError:
    """The backend's error as ours. Its message may quote the prompt, so it goes to the client and into no log."""
    raw = (await upstream.content.read(_MOST_ERROR_BYTES)).decode(errors="replace")
    if any(sign in raw for sign in _TOO_LONG):
        return ContextTooLong("The conversation does not fit the chat model's context window.")
    message = _message(raw) or f"The chat model answered with status {upstream.status}."
    if upstream.status in (408, 409, 425, 429) or upstream.status in (502, 503, 504):
        return EngineUnavailable(message)
    if upstream.status in (401, 403):
        return EngineUnavailable("The chat server refuses the key. Check AVATAR_CHAT_API_KEY.", permanent=True)
    if 300 <= upstream.status < 400:
        return EngineUnavailable("The chat server sends us on to another address. Check AVATAR_CHAT_URL.")
    if 400 <= upstream.status < 500:
        return EngineRefused(message)
    return EngineError(message)


def _message(raw: str) -> str:
    try:
        body = msgspec.json.decode(raw.encode(), type=ChatBody)
    except msgspec.MsgspecError:
        return ""
    error = body.get("error")
    found = error.get("message") if isinstance(error, dict) else body.get("message") or body.get("detail")
    return found[:500] if isinstance(found, str) else ""
