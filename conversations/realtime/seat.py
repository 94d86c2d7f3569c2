"""A session's place on the machine: taken before anything else, taken again when the engine host has restarted."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from inference.errors import EngineError, EngineUnavailable, ServerFull
from inference.ports import Engines, Lease
from inference.types import Queued

log = structlog.get_logger(__name__)
TAKE_S = 0.7
"""A refusal is due within a second; a host that does not answer by then is still starting."""
CHECK_S = 0.5


class Seat:
    """`take` once, `keep` as a task, `leave` in the end."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._stack: AsyncExitStack | None = None
        self._lease: Lease | None = None

    @property
    def held(self) -> bool:
        return self._lease is not None and not self._lease.lost

    async def take(self, timeout_s: float = TAKE_S, *, queued: Callable[[Queued], None] | None = None) -> bool:
        """True when the place is taken, False when the host does not answer; raises `ServerFull`.

        With ``queued`` a place is waited for where the host lets wait, and ``queued`` is told how the line stands.
        """
        await self.leave()
        stack = AsyncExitStack()
        try:
            async with asyncio.timeout(timeout_s) as bound:

                def waiting(place: Queued) -> None:
                    bound.reschedule(None)  # the host has answered; how long one may wait is its to say
                    if queued is not None:
                        queued(place)

                lease = self._engines.lease(queued=waiting if queued is not None else None)
                self._lease = await stack.enter_async_context(lease)
        except (EngineUnavailable, TimeoutError):
            return False
        self._stack = stack
        return True

    async def keep(self, full: Callable[[ServerFull], None]) -> None:
        """Takes the place again whenever it is lost; ``full`` is told when another has it by then."""
        while True:
            await asyncio.sleep(CHECK_S)
            if self.held:
                continue
            try:
                if await self.take(timeout_s=3.0):
                    log.info("place_taken_again")
            except ServerFull as error:
                full(error)
                return
            except EngineError as error:
                log.warning("place_not_taken", code=error.code)

    async def leave(self) -> None:
        stack, self._stack, self._lease = self._stack, None, None
        if stack is not None:
            await stack.aclose()
