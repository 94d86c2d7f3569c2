"""How the engine host is, and what it offers: known before it is needed, told when it changes."""

import asyncio

from conversations.realtime import extras as ex
from conversations.realtime.config import Offer
from conversations.realtime.live import Live
from inference.errors import EngineError
from inference.types import HostStatus

STARTING_S = 1.0
"""How often the host is asked while it is not ready, and how long an answer may take."""
READY_S = 10.0


class HostWatch:
    """``default_voice`` is the operator's choice."""

    def __init__(self, live: Live, default_voice: str) -> None:
        self._live = live
        self._default_voice = default_voice
        self._last: HostStatus | None = None
        self._greeted = False  # nothing is told before ``session.created``

    async def look(self) -> None:
        """Asks once; a host that does not answer in time leaves things as they are."""
        try:
            async with asyncio.timeout(STARTING_S):
                status = await self._live.engines.status()
        except (EngineError, TimeoutError):
            self._last = None
            return
        if status != self._last:
            self._last = status
            self._live.offer = Offer.of(status, self._default_voice)
            self._live.crowded = status.sessions > 1
            if self._greeted:
                self.tell()

    def tell(self) -> None:
        """Progress for a client that shows it."""
        status, self._greeted = self._last, True
        if status is None:
            return
        tell = self._live.extras.tell
        tell(lambda: ex.EngineProgress(ready=status.ready, engines=status.engines, voices=status.voices))

    async def run(self) -> None:
        """A task of the session's."""
        while True:
            await asyncio.sleep(READY_S if self._last is not None and self._last.ready else STARTING_S)
            await self.look()
