"""A chat server by URL that sends on elsewhere, and a program that does not take the answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from inference.errors import EngineUnavailable
from inference.host.changes import Changes
from inference.host.chat.remote import RemoteChat
from inference.host.routes import listener
from inference.types import ChatRequest
from tests.inference.served import Served, served

PIECE = b'data: {"choices": [{"index": 0, "delta": {"content": "' + b"word " * 2000 + b'"}}]}\n\n'


class ChatServer:
    """OpenAI's routes; it answers without end, or sends everything on to ``elsewhere``."""

    def __init__(self) -> None:
        self.elsewhere = ""
        self.hung_up = asyncio.Event()
        self.asked = 0

    async def models(self, _request: web.Request) -> web.Response:
        self._send_on("/v1/models")
        return web.json_response({"data": [{"id": "contrived"}]})

    async def completions(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        self._send_on("/v1/chat/completions")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            while True:
                await response.write(PIECE)
        except (ConnectionError, asyncio.CancelledError):
            self.hung_up.set()
            raise

    def _send_on(self, path: str) -> None:
        if self.elsewhere:
            raise web.HTTPTemporaryRedirect(self.elsewhere + path)


@asynccontextmanager
async def serving(server: ChatServer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/v1/models", server.models)
    app.router.add_post("/v1/chat/completions", server.completions)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def chat_state(host: Served, state: str) -> str:
    """What is said of the chat once it is in this state."""
    async with asyncio.timeout(20):
        async for status in host.client.watch_status():
            chat = next(engine for engine in status.engines if engine.kind == "chat")
            if chat.state == state:
                return chat.detail
    raise AssertionError("the host went away")


async def test_what_people_say_goes_nowhere_else() -> None:
    server, other = ChatServer(), ChatServer()
    async with serving(server) as url, serving(other) as elsewhere:
        chat = RemoteChat(url, "", "", Changes(), context_tokens=0)
        async with served(chat=chat) as host:
            await chat_state(host, "ready")
            server.elsewhere = elsewhere
            asking = ChatRequest(messages=({"role": "user", "content": "A secret."},))
            with pytest.raises(EngineUnavailable, match="sends us on to another address"):
                async for _ in host.client.chat(asking):
                    pass
            assert (server.asked, other.asked) == (1, 0)
            chat.look_again()
            assert "sends us on to another address. Check AVATAR_CHAT_URL." in await chat_state(host, "failed")


async def test_an_answer_that_nobody_takes_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "NOT_TAKEN_S", 0.3)
    server = ChatServer()
    async with serving(server) as url, served(chat=RemoteChat(url, "", "", Changes(), context_tokens=0)) as host:
        await chat_state(host, "ready")
        body = {"messages": [{"role": "user", "content": "Talk."}], "stream": True}
        async with host.http.post("/v1/chat/completions", json=body) as answer:
            assert answer.status == 200
            async with asyncio.timeout(20):
                await server.hung_up.wait()
                while host.host.scheduler.in_use()["chat"]:  # noqa: ASYNC110 - its release is no event
                    await asyncio.sleep(0.01)
        async with host.http.get("/metrics") as told:
            assert 'route="/v1/chat/completions",outcome="not_taken"} 1' in await told.text()
