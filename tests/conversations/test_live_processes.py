"""Orders between real processes, without Redis and with it; and sessions whose server is killed."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from conversations.oversight.orders import LOOK_S
from tests.conversations.test_broadcast import Redis
from tests.server import Stack

pytestmark = pytest.mark.server
SET_UP = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser("root", password="x")
"""
CUT = """
import time
from django.contrib.auth import get_user_model
from conversations.services import live
live.cut({session!r}, actor=get_user_model().objects.get(username="root"), reason="abuse")
print(time.time())
"""
CLOSED = """
from conversations.models import Session
print(Session.objects.get(session_id={session!r}).close_reason)
"""


@pytest.fixture(params=["alone", "redis"], scope="module")
def web(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A web server without engines: sessions open all the same."""
    folder = tmp_path_factory.mktemp("live")
    redis = Redis(folder)
    environment = {}
    if request.param == "redis":
        redis.start()
        environment["AVATAR_REDIS_URL"] = redis.url
    try:
        with Stack(folder / "data", environment, engines=False) as stack:
            stack.manage("shell", "-c", SET_UP)
            yield stack
    finally:
        redis.stop()


@asynccontextmanager
async def talking(stack: Stack) -> AsyncIterator[tuple[Any, str]]:
    """A socket, and the session's id."""
    async with connect(f"{stack.ws_url}/v1/realtime", additional_headers={"Authorization": "Bearer k"}) as socket:
        while True:
            event = json.loads(await socket.recv())
            if event["type"] == "session.created":
                yield socket, event["session"]["id"]
                return


async def closed_at(socket: Any) -> tuple[int, float]:
    """The close code (0: there was none), and when."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as closed:
        return (closed.rcvd.code if closed.rcvd is not None else 0), time.time()


async def test_an_order_of_another_process_arrives(web: Stack) -> None:
    over_redis = "AVATAR_REDIS_URL" in web.environment and bool(web.environment["AVATAR_REDIS_URL"])
    async with talking(web) as (socket, session):
        waiting = asyncio.create_task(closed_at(socket))
        printed = await asyncio.to_thread(web.manage, "shell", "-c", CUT.format(session=session))
        ordered = float(printed.splitlines()[-1])
        code, ended = await asyncio.wait_for(waiting, 10)
    assert code == 4403
    assert ended - ordered < (1.0 if over_redis else LOOK_S + 1.5)
    told = await asyncio.to_thread(web.manage, "shell", "-c", CLOSED.format(session=session))
    assert told.splitlines()[-1] == "cut: abuse"


@pytest.mark.parametrize("web", ["alone"], indirect=True)
async def test_sessions_of_a_killed_server_are_closed_at_the_next_start(web: Stack) -> None:
    async with talking(web) as (socket, session):
        await asyncio.sleep(0.5)  # its first sign of life
        web.kill_web()  # The last test of this server.
        assert (await closed_at(socket))[0] == 0
    told = await asyncio.to_thread(web.manage, "prepare")
    assert "closed now: 1" in told
    told = await asyncio.to_thread(web.manage, "shell", "-c", CLOSED.format(session=session))
    assert told.splitlines()[-1] == "lost"
