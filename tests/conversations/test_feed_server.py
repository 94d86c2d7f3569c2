"""The feed from the running server: connections that break, a server that stops, and no thread for a stream."""

import asyncio
import contextlib
import json
import random
import sys
from collections.abc import Iterator

import aiohttp
import psutil
import pytest
import websockets

from tests.server import ROOT, Stack

pytestmark = [pytest.mark.server]
WRITERS = ("a", "b", "c")
BREAKS = 25
STREAMS = 20
PREPARE = """
from django.contrib.auth import get_user_model
from tests.conversations.api_helpers import key_of
owner, _ = get_user_model().objects.get_or_create(username="owner")
print(key_of(owner))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"AVATAR_FEED_STREAMS_EACH": "30", "AVATAR_API_READS_PER_MINUTE": "100000"}
    environment["AVATAR_LOG_LEVEL"] = "DEBUG"  # Even then no line may hold a key.
    with Stack(tmp_path_factory.mktemp("feed"), environment, engines=False) as stack:
        yield stack


@pytest.fixture(scope="module")
def key(served: Stack) -> str:
    return served.manage("shell", "--no-imports", "-v", "0", "-c", PREPARE).split()[-1]


class Reader:
    """Keeps what came whole, as a client must that resumes by it."""

    def __init__(self, stack: Stack, key: str) -> None:
        self.url = f"{stack.base_url}/api/events/"
        self.headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {key}"}
        self.positions: list[int] = []

    async def read(self, session: aiohttp.ClientSession, *, bytes_at_most: float, until: int | None = None) -> None:
        """Reads until so many bytes came, or a position; then the connection is torn down as it is."""
        headers = dict(self.headers)
        if self.positions:
            headers["Last-Event-ID"] = str(self.positions[-1])
        rest = b""
        async with session.get(self.url, headers=headers) as answer:
            assert answer.status == 200
            async for chunk in answer.content.iter_any():
                rest += chunk
                bytes_at_most -= len(chunk)
                *blocks, rest = rest.split(b"\n\n")
                for block in blocks:
                    data = next(line for line in block.splitlines() if line.startswith(b"data: "))
                    self.positions.append(json.loads(data[6:])["position"])
                if bytes_at_most < 0 or (until is not None and self.positions and self.positions[-1] >= until):
                    answer.close()
                    return

    async def latest(self, session: aiohttp.ClientSession) -> int:
        headers = {"Authorization": self.headers["Authorization"]}
        async with session.get(self.url, headers=headers, params={"limit": 1}) as answer:
            return int((await answer.json())["latest"])


async def test_broken_connections_lose_and_repeat_nothing(served: Stack, key: str) -> None:
    chance = random.Random(11)
    reader = Reader(served, key)
    command = [sys.executable, "-m", "tests.conversations.log_appender", "append", *WRITERS]
    writers = await asyncio.create_subprocess_exec(
        *command, env=served.environment, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            for _ in range(BREAKS):
                # Bytes at random: most connections break in the middle of an event.
                await reader.read(session, bytes_at_most=chance.uniform(0, 40_000))
            assert writers.returncode is None
    finally:
        writers.kill()
        await writers.wait()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        latest = await reader.latest(session)
        await reader.read(session, bytes_at_most=1e9, until=latest)
    assert latest > 200
    assert reader.positions == list(range(1, latest + 1))


async def test_a_stream_holds_no_thread(served: Stack, key: str) -> None:
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {key}"}
    web = psutil.Process(served.pid("web"))
    async with aiohttp.ClientSession() as session:
        newest = await Reader(served, key).latest(session)
        url, threads = f"{served.base_url}/api/events/?after={newest}", list[int]()
        for _ in range(2):
            opened = [await session.get(url, headers=headers) for _ in range(STREAMS)]
            for answer in opened:
                await answer.content.readline()
            threads.append(web.num_threads())
            for answer in opened:
                answer.close()
            await asyncio.sleep(0.5)
        idle = web.num_threads()
    # The doors' two, the feed's two; not one for each stream.
    assert max(threads) < idle + 5, (threads, idle)


async def test_a_key_opens_a_socket_and_is_in_no_line_of_the_log(served: Stack, key: str) -> None:
    url, protocol = f"{served.ws_url}/v1/realtime", f"openai-insecure-api-key.{key}"
    async with websockets.connect(url, subprotocols=["realtime", protocol]) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "realtime"
        # There are no engines here, but somebody who has come in.
        assert json.loads(await socket.recv()).get("error", {}).get("code") != "unauthorized"
    wrong = {"Authorization": f"Bearer {key[:-1]}"}
    async with websockets.connect(url, additional_headers=wrong) as socket:
        assert json.loads(await socket.recv())["error"]["code"] == "unauthorized"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{served.base_url}/api/events/", headers=wrong) as answer,
    ):
        assert answer.status == 401
    assert key.rpartition("_")[2][:-1] not in served.log("web")


async def test_a_stopping_server_ends_its_streams(served: Stack, key: str) -> None:
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as session:
        answer = await session.get(f"{served.base_url}/api/events/", headers=headers)
        await answer.content.readline()
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.to_thread(served.stop_web)
        assert loop.time() - began < 8
        with contextlib.suppress(aiohttp.ClientError):
            async with asyncio.timeout(5):
                await answer.content.read()
    log = served.log("web")
    assert "Traceback" not in log
    assert key.rpartition("_")[2] not in log
    await asyncio.to_thread(served.start_web)
