"""The line for a place, at a real engine host: told where one stands, served in turn, left by hanging up."""

import asyncio
import json
from typing import Any

from conversations.consumers import RealtimeConsumer
from conversations.events import Keep, SessionOpened
from conversations.realtime.limits import Limits
from inference.client import EngineClient
from inference.engine_settings import Gate
from tests.conversations.sockets import Socket
from tests.conversations.talker import MemoryRecord
from tests.inference.served import served


async def open_record(
    *, owner_id: str, session: SessionOpened, conversation_id: str | None = None, keep: Keep | None = None
) -> MemoryRecord:
    return MemoryRecord()


async def come(client: EngineClient, query: str = "extras=avatar") -> Socket:
    consumer = RealtimeConsumer(engines=lambda: client, open_record=open_record, limits=Limits())
    socket = Socket(consumer, query=query)
    await socket.open()
    return socket


async def until(socket: Socket, kind: str, **fields: Any) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            message = await socket.receive_output(10)
            event: dict[str, Any] = json.loads(message["text"])
            if event["type"] == kind and fields.items() <= event.items():
                return event


async def test_who_waits_comes_in_when_a_place_is_free() -> None:
    async with served(max_sessions=1, gate=Gate(queue_places=2)) as host:
        first = await come(host.client)
        await until(first, "session.created")
        second = await come(host.client)
        told = await until(second, "avatar.queue")
        assert (told["position"], told["places"]) == (1, 2)
        third = await come(host.client)
        await until(third, "avatar.queue", position=2)
        await first.leave()
        await until(second, "session.created")
        await until(third, "avatar.queue", position=1)
        await second.leave()
        await until(third, "session.created")
        await third.leave()


async def test_who_hangs_up_leaves_the_line() -> None:
    async with served(max_sessions=1, gate=Gate(queue_places=2)) as host:
        first = await come(host.client)
        await until(first, "session.created")
        second = await come(host.client)
        await until(second, "avatar.queue", position=1)
        third = await come(host.client)
        await until(third, "avatar.queue", position=2)
        await second.leave()
        await until(third, "avatar.queue", position=1)
        assert (await host.client.status()).waiting == 1
        await third.leave()
        await first.leave()


async def test_who_did_not_ask_for_the_extras_is_refused_at_once() -> None:
    async with served(max_sessions=1, gate=Gate(queue_places=2)) as host:
        first = await come(host.client)
        await until(first, "session.created")
        plain = await come(host.client, query="")
        assert await plain.closed() == 4013
        await first.leave()
