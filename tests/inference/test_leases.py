"""A session's place: refused at once when there is none, free again whatever ends its holder."""

import asyncio
import signal
import sys
import time
from contextlib import AsyncExitStack

import pytest

from inference.errors import ServerFull
from tests.engine_host import ROOT
from tests.inference.served import Served, served

HOLD = """
import asyncio, sys
from inference.client import EngineClient

async def main():
    async with EngineClient(sys.argv[1]) as client, client.lease() as lease:
        print(lease.id, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def sessions(host: Served, count: int) -> None:
    """Returns once the host counts this many sessions."""
    async with asyncio.timeout(5):
        async for status in host.client.watch_status():
            if status.sessions == count:
                return


async def test_the_sixth_is_refused_at_once() -> None:
    async with served(max_sessions=5) as host, AsyncExitStack() as places:
        leases = [await places.enter_async_context(host.client.lease()) for _ in range(5)]
        assert len({lease.id for lease in leases}) == 5
        began = time.monotonic()
        with pytest.raises(ServerFull, match="All 5 places are taken"):
            await places.enter_async_context(host.client.lease())
        assert time.monotonic() - began < 1
        assert (await host.client.status()).sessions == 5


async def test_a_place_is_free_after_its_block_and_after_an_error_in_it() -> None:
    async with served(max_sessions=1) as host:
        for _ in range(3):
            with pytest.raises(OSError, match="a fault of the session"):
                async with host.client.lease():
                    raise OSError("a fault of the session")
            await sessions(host, 0)


async def test_a_place_is_free_after_its_holder_was_killed() -> None:
    async with served(max_sessions=1) as host:
        holder = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HOLD, host.client.url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert holder.stdout is not None
        assert (await holder.stdout.readline()).startswith(b"lease_")
        with pytest.raises(ServerFull):
            async with host.client.lease():
                pass
        holder.send_signal(signal.SIGKILL)
        await holder.wait()
        await sessions(host, 0)
        async with host.client.lease() as lease:
            assert not lease.lost


async def test_the_holder_learns_that_the_host_has_gone() -> None:
    async with AsyncExitStack() as until, served() as host:
        lease = await until.enter_async_context(host.client.lease())
        assert not lease.lost
        host.host.closing.set()
        async with asyncio.timeout(5):
            await lease.wait_lost()
        assert lease.lost
