"""How long a session lasts: not for ever, and not while nothing happens in it."""

import asyncio
import time
from collections.abc import Callable

from conversations.realtime import refusals
from conversations.realtime.limits import Limits
from conversations.realtime.refusals import Ending

_LEAST_SLEEP_S = 0.05


class Lifetime:
    """``busy`` says that an answer is made or still heard, which is not idleness; ``end`` ends the session."""

    def __init__(self, limits: Limits, *, busy: Callable[[], bool], end: Callable[[Ending], None]) -> None:
        self._limits = limits
        self._busy = busy
        self._end = end
        self._touched_at = time.monotonic()

    def touch(self) -> None:
        """Something happened."""
        self._touched_at = time.monotonic()

    async def run(self) -> None:
        """Keeps the time until cancelled."""
        over_at = time.monotonic() + self._limits.session_s
        while True:
            until = min(self._touched_at + self._limits.idle_s, over_at)
            await asyncio.sleep(max(_LEAST_SLEEP_S, until - time.monotonic()))
            now = time.monotonic()
            if now >= over_at:
                self._end(refusals.EXPIRED)
            elif now >= self._touched_at + self._limits.idle_s:
                if self._busy():
                    self.touch()
                else:
                    self._end(refusals.IDLE)
