"""Pokes: within this process without anything beside it, and between processes over a real Redis."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings
from redis import asyncio as aioredis

from avatar_project.layers import channel_layers
from conversations.oversight import broadcast
from tests.server import free_port

GROUP = broadcast.watch_group("c-1")


class Redis:
    """A server of its own; `stop` and `start` take the place of a failure."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        server = shutil.which("redis-server")
        assert server is not None
        command = [server, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while subprocess.run(["redis-cli", "-p", str(self.port), "ping"], capture_output=True, check=False).returncode:
            assert time.monotonic() < until
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def over_redis(redis: Redis, settings: Settings) -> Redis:
    settings.REDIS_URL = redis.url
    settings.CHANNEL_LAYERS = channel_layers(redis.url, "secret")
    return redis


@pytest.fixture(params=["memory", "redis"])
def layer(request: pytest.FixtureRequest, settings: Settings) -> str:
    if request.param == "redis":
        request.getfixturevalue("over_redis")
    else:
        settings.CHANNEL_LAYERS = channel_layers("", "")
    return str(request.param)


async def joined(ear: broadcast.Ear) -> None:
    """The group is joined in the background: pokes until one arrives."""
    async with asyncio.timeout(5):
        while True:
            await broadcast.apoke("c-1", 0)
            if await ear.wait(0.05) is not None:
                break
    while await ear.wait(0.1) is not None:
        pass


@pytest.mark.usefixtures("layer")
async def test_a_poke_arrives_within_moments_and_only_where_it_is_meant_for() -> None:
    async with broadcast.listening(GROUP) as ear, broadcast.listening(broadcast.watch_group("c-2")) as other:
        await joined(ear)
        began = time.monotonic()
        await broadcast.apoke("c-1", 7)
        poke = await ear.wait(2)
        assert poke == broadcast.Poke(sequence=7)
        assert time.monotonic() - began < 0.5
        assert await other.wait(0.2) is None


@pytest.mark.usefixtures("layer")
async def test_plain_code_on_another_thread_reaches_it_too() -> None:
    async with broadcast.listening(GROUP) as ear:
        await joined(ear)
        await asyncio.to_thread(broadcast.poke, "c-1", 9)
        assert await ear.wait(2) == broadcast.Poke(sequence=9)


@pytest.mark.usefixtures("layer")
async def test_an_end_is_not_lost_among_pokes() -> None:
    async with broadcast.listening(broadcast.session_group("s-1")) as ear:
        await broadcast.atell_session("s-1", "unmute", "x")
        await ear.wait(1)
        await broadcast.atell_session("s-1", "end", "abuse")
        for _ in range(5):
            await broadcast.atell_session("s-1", "mute", "x")
        await asyncio.sleep(0.3)
        poke = await ear.wait(1)
        assert poke is not None
        assert (poke.order, poke.reason) == ("end", "abuse")


async def test_a_poke_from_a_process_without_a_loop_goes_over_redis(
    over_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from the task cluster or a command: nobody listens there."""
    async with broadcast.listening(GROUP) as ear:
        await joined(ear)
        monkeypatch.setattr(broadcast, "_serving", None)
        await asyncio.to_thread(broadcast.poke, "c-1", 11)
        assert await ear.wait(2) == broadcast.Poke(sequence=11)
        await asyncio.to_thread(broadcast.poke, "c-1", 12)
        assert await ear.wait(2) == broadcast.Poke(sequence=12)


async def test_after_a_restart_of_redis_pokes_arrive_again(over_redis: Redis) -> None:
    async with broadcast.listening(GROUP) as ear:
        await joined(ear)
        over_redis.stop()
        began = time.monotonic()
        await broadcast.apoke("c-1", 1)  # nobody is there: it is lost, quickly and quietly
        assert time.monotonic() - began < 2 * broadcast.SEND_S
        over_redis.start()
        async with asyncio.timeout(20):
            while await ear.wait(0.2) is None:
                await broadcast.apoke("c-1", 2)


async def test_no_word_of_a_poke_can_be_read_in_redis(over_redis: Redis) -> None:
    async with aioredis.from_url(over_redis.url) as client, client.pubsub() as spy:
        await spy.psubscribe("*")
        async with broadcast.listening(broadcast.session_group("s-1")) as ear:
            heard: list[Any] = []
            poke: broadcast.Poke | None = None
            async with asyncio.timeout(5):
                while poke is None or not heard:
                    await broadcast.atell_session("s-1", "end", "a reason")
                    poke = await ear.wait(0.1) or poke
                    message = await spy.get_message(timeout=0.1)
                    if message is not None and message["type"] == "pmessage":
                        heard.append(message)
    assert (poke.order, poke.reason) == ("end", "a reason")
    message = heard[0]
    assert b"session.s-1" in message["channel"]
    assert b"a reason" not in message["data"]
    assert b"avatar.poke" not in message["data"]


async def test_a_redis_that_is_away_costs_a_moment_and_no_error(redis: Redis, settings: Settings) -> None:
    redis.stop()
    settings.REDIS_URL = redis.url
    settings.CHANNEL_LAYERS = channel_layers(redis.url, "secret")
    began = time.monotonic()
    await asyncio.to_thread(broadcast.poke, "nobody", 1)
    await broadcast.apoke("nobody", 1)
    assert time.monotonic() - began < 4 * broadcast.SEND_S


async def test_without_redis_a_poke_of_a_process_where_nobody_listens_is_no_error(settings: Settings) -> None:
    settings.REDIS_URL = ""
    await asyncio.to_thread(broadcast.poke, "nobody", 1)
