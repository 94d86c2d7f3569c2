"""The real processes end and come back: no socket is lost with the engines, no conversation with the server."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from tests.server import Stack

pytestmark = [pytest.mark.models, pytest.mark.server]
WITHIN_S = 60.0


@pytest.fixture
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Processes of its own: these tests kill them."""
    with Stack(tmp_path_factory.mktemp("restarts")) as running:
        yield running


def connect(stack: Stack, query: str = "") -> websockets.connect:
    """With a key, so that it is the same guest each time."""
    address = f"{stack.ws_url}/ws/chat?extras=avatar{query}"
    return websockets.connect(address, max_size=None, additional_headers={"Authorization": "Bearer of-ada"})


async def until(socket: ClientConnection, kind: str, seen: list[Any] | None = None) -> Any:
    async with asyncio.timeout(WITHIN_S):
        while True:
            event = json.loads(await socket.recv())
            if seen is not None:
                seen.append(event)
            if event["type"] == kind:
                return event


async def ask(socket: ClientConnection, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
    await socket.send(json.dumps({"type": "response.create", "response": {"output_modalities": ["text"]}}))


async def test_engines_and_server_may_end_and_the_conversation_goes_on(own_stack: Stack) -> None:
    stack = own_stack
    async with connect(stack) as socket:
        conversation = (await until(socket, "avatar.conversation"))["conversation_id"]
        await ask(socket, "My name is Ada.")
        assert (await until(socket, "response.done"))["response"]["status"] in {"completed", "incomplete"}

        await asyncio.to_thread(stack.kill_engines)
        await ask(socket, "Are you still there?")
        await until(socket, "response.created")
        stack.start_engines()
        answered = await until(socket, "response.done")
        assert answered["response"]["status"] in {"completed", "incomplete"}

        stopping = asyncio.create_task(asyncio.to_thread(stack.stop_web))
        assert (await until(socket, "error"))["error"]["code"] == "draining"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4012
        await stopping

    await asyncio.to_thread(stack.start_web)
    seen: list[Any] = []
    async with connect(stack, f"&conversation={conversation}") as socket:
        await until(socket, "avatar.conversation", seen)
        items = [event["item"] for event in seen if event["type"] == "conversation.item.added"]
        assert [item["role"] for item in items] == ["user", "assistant", "user", "assistant"]
        await ask(socket, "What is my name?")
        assert (await until(socket, "response.done"))["response"]["status"] in {"completed", "incomplete"}
