"""A session's place on a host, as its holder sees it: waited for, renewed for as long as it is held, and lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp

from inference import wire
from inference.errors import EngineError, EngineUnavailable
from inference.transport import Transport, broken_off
from inference.types import Queued

_FIRST_LINE_S = 5.0
_HEARTBEAT_TIMEOUT_S = 15.0
_RENEW_TIMEOUT_S = 5.0


class HeldLease:
    """A place on the host; `lost` turns true when the host goes away or has taken it back."""

    def __init__(self, lease: str) -> None:
        self.id = lease
        self._ended = asyncio.Event()

    @property
    def lost(self) -> bool:
        return self._ended.is_set()

    async def wait_lost(self) -> None:
        """Returns when the place has been lost."""
        await self._ended.wait()

    def end(self) -> None:
        self._ended.set()


@asynccontextmanager
async def leased(transport: Transport, queued: Callable[[Queued], None] | None) -> AsyncIterator[HeldLease]:
    """Holds a place for the block.

    Raises `ServerFull` at once when there is none; with ``queued`` it may wait where the host allows that, and
    ``queued`` is told its position at once and whenever that changes.
    """
    path = "/v1/leases?queue=1" if queued else "/v1/leases"
    async with await transport.open("POST", path, 0.0) as response:
        held = await _taken(response, queued)
        watch = asyncio.create_task(_keep(transport, response, held), name=f"lease {held.id}")
        try:
            yield held
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            response.close()  # hanging up, not reading to the end, is what frees the place


async def _taken(response: aiohttp.ClientResponse, queued: Callable[[Queued], None] | None) -> HeldLease:
    timeout_s = _FIRST_LINE_S
    while True:
        with broken_off():
            async with asyncio.timeout(timeout_s):
                line = await response.content.readline()
        if not line:
            raise EngineUnavailable("The engine host hung up; it may be restarting.")
        told = wire.read_lease(line)
        if isinstance(told, str):
            return HeldLease(told)
        if told is not None and queued is not None:
            queued(told)
        timeout_s = _HEARTBEAT_TIMEOUT_S


async def _keep(transport: Transport, response: aiohttp.ClientResponse, held: HeldLease) -> None:
    """Answers each heartbeat by renewing, until there are none: a holder that hangs loses its place."""
    try:
        while True:
            async with asyncio.timeout(_HEARTBEAT_TIMEOUT_S):
                if not await response.content.readline():
                    return
            with suppress(EngineError):  # the next heartbeat tells whether the host is there
                await transport.whole("PUT", f"/v1/leases/{held.id}", 0.0, timeout_s=_RENEW_TIMEOUT_S)
    except (aiohttp.ClientError, OSError, TimeoutError):
        return
    finally:
        held.end()
