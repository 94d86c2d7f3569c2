"""Who may come in, why a socket is closed, and that a place is free again afterwards."""

import asyncio
import json
import time

import pytest
from channels.routing import URLRouter

from conversations.events import SessionClosed
from conversations.realtime.limits import Limits
from conversations.routing import websocket_urlpatterns
from tests.conversations.sockets import Socket, consumer
from tests.conversations.talker import MemoryRecord
from tests.fake_engines import FakeEngines


async def test_the_subprotocol_is_answered_when_offered() -> None:
    socket = Socket(consumer(), protocols=("realtime", "openai-insecure-api-key.secret"))
    assert (await socket.open())["subprotocol"] == "realtime"
    assert (await socket.event())["type"] == "session.created"
    await socket.leave()
    socket = Socket(consumer())
    assert (await socket.open())["subprotocol"] is None
    await socket.leave()


@pytest.mark.parametrize("path", ["/v1/realtime/", "/realtime", "/", "/v1/realtimes", "/ws/chat/../x", "/\x00"])
async def test_another_address_has_no_socket_and_says_so(path: str) -> None:
    socket = Socket(URLRouter(websocket_urlpatterns), protocols=("realtime",))
    socket.scope["path"] = path
    assert (await socket.open())["subprotocol"] == "realtime"
    error = (await socket.event())["error"]
    assert error["code"] == "not_found"
    assert "/v1/realtime" in error["message"]
    assert await socket.closed() == 4404


async def test_nobody_is_refused_with_a_reason() -> None:
    socket = Socket(consumer(), user=None)
    await socket.open()
    assert (await socket.event())["error"]["code"] == "unauthorized"
    assert await socket.closed() == 4401


async def test_one_too_many_is_refused_within_a_second_and_let_in_when_a_place_is_free() -> None:
    engines = FakeEngines(places=1)
    first = Socket(consumer(engines))
    await first.open()
    await first.event()
    second = Socket(consumer(engines))
    began = time.monotonic()
    await second.open()
    error = (await second.event())["error"]
    assert (error["code"], error["type"]) == ("server_full", "server_error")
    assert await second.closed() == 4013
    assert time.monotonic() - began < 1.0
    await first.leave()
    third = Socket(consumer(engines))
    await third.open()
    assert (await third.event())["type"] == "session.created"
    await third.leave()
    assert not engines.leases


async def test_anothers_conversation_is_not_found() -> None:
    socket = Socket(consumer(), query="conversation=conv_9")
    await socket.open()
    assert (await socket.event())["error"]["code"] == "conversation_not_found"
    assert await socket.closed() == 4404


async def test_a_stopping_server_says_so_and_keeps_what_was_said() -> None:
    engines, record = FakeEngines(), MemoryRecord()
    socket = Socket(consumer(engines, record))
    await socket.open()
    await socket.event()
    socket.future.cancel()
    said = await socket.event()
    assert said["error"]["code"] == "draining"
    assert await socket.closed() == 4012
    assert record.of(SessionClosed)[0].reason == "draining"
    assert not engines.leases


@pytest.mark.parametrize(
    ("limits", "code"),
    [(Limits(idle_s=0.1), "session_idle"), (Limits(session_s=0.1), "session_expired")],
)
async def test_an_idle_and_an_endless_session_end(limits: Limits, code: str) -> None:
    record = MemoryRecord()
    socket = Socket(consumer(record=record, limits=limits))
    await socket.open()
    await socket.event()
    assert (await socket.event())["error"]["code"] == code
    assert await socket.closed() == 1000
    assert record.of(SessionClosed)


async def test_a_binary_frame_is_read_like_text() -> None:
    socket = Socket(consumer())
    await socket.open()
    await socket.event()
    await socket.send_input({"type": "websocket.receive", "bytes": b"\xff\x00"})
    assert (await socket.event())["error"]["code"] == "invalid_json"
    await socket.send_input({"type": "websocket.receive", "bytes": b'{"type": "session.update", "session": {}}'})
    assert (await socket.event())["type"] == "session.updated"
    await socket.leave()


async def test_a_session_opens_while_the_engines_are_away_and_takes_its_place_later() -> None:
    engines = FakeEngines()
    engines.away = True
    socket = Socket(consumer(engines))
    await socket.open()
    assert (await socket.event())["type"] == "session.created"
    engines.away = False
    async with asyncio.timeout(3):
        await engines.leased.wait()
    await socket.leave()
    assert not engines.leases


async def test_a_record_that_fails_ends_the_session_with_a_reason() -> None:
    record = MemoryRecord()
    socket = Socket(consumer(record=record))
    await socket.open()
    await socket.event()
    record.error = OSError("disk full")
    content = [{"type": "input_text", "text": "Hi."}]
    item = {"type": "message", "role": "user", "content": content}
    await socket.send_input(
        {"type": "websocket.receive", "text": json.dumps({"type": "conversation.item.create", "item": item})}
    )
    assert (await socket.event())["error"]["code"] == "server_error"
    assert await socket.closed() == 4500
