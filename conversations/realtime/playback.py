"""Sound on its way to the listener: sent a bounded time ahead, held and resumed, and known by what has been heard.

The socket has no back-pressure, so the pace is kept here. The clock assumes what every player does: it starts with
the first sound that arrives, plays without pause while it has sound, and waits when it has none.
"""

import asyncio
import time
from collections.abc import Callable

from inference.types import WIRE_RATE

BYTES_PER_S = 2 * WIRE_RATE
CHUNK_BYTES = BYTES_PER_S // 5
"""One delta carries 200 ms at most."""
FIRST_LEAD_S = 0.6
FULL_LEAD_S = 1.6
"""How far sending may run ahead of the listener: little at first, as interruptions come early; then enough for a
hiccup of the network."""


def seconds(pcm_bytes: int) -> float:
    return pcm_bytes / BYTES_PER_S


class PlaybackClock:
    """What the listener's player has played, in seconds of all sound sent in this session."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._sent_s = 0.0
        self._dry_at = 0.0

    @property
    def sent_s(self) -> float:
        return self._sent_s

    @property
    def heard_s(self) -> float:
        return self._sent_s - self.ahead_s

    @property
    def ahead_s(self) -> float:
        """Sound that the listener has and has not yet heard."""
        return max(0.0, self._dry_at - self._now())

    def sent(self, duration_s: float) -> float:
        """Notes sound that was just sent; returns in how many seconds the listener will hear its start."""
        now = self._now()
        starts_at = max(self._dry_at, now)
        self._dry_at = starts_at + duration_s
        self._sent_s += duration_s
        return starts_at - now

    def flushed(self) -> None:
        """The player has thrown away what it had not played (it does when it hears that speech has started)."""
        self._sent_s = self.heard_s
        self._dry_at = self._now()


class Pacer:
    """Lets the sound of one answer out at the listener's pace."""

    def __init__(self, clock: PlaybackClock, now: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._now = now
        self._go = asyncio.Event()
        self._go.set()
        self._sent_s = 0.0

    @property
    def sent_s(self) -> float:
        """Sound of this answer sent so far."""
        return self._sent_s

    @property
    def held(self) -> bool:
        return not self._go.is_set()

    def hold(self) -> None:
        """Nothing more goes out until `resume`; nothing is lost."""
        self._go.clear()

    def resume(self) -> None:
        self._go.set()

    async def turn(self, pcm_bytes: int) -> float:
        """Waits until that much more sound may be sent, and notes it; returns in how many seconds it will be heard."""
        await self.room()
        return self.sent(pcm_bytes)

    async def room(self) -> None:
        """Waits until more sound may be sent."""
        while True:
            await self._go.wait()
            wait = self._clock.ahead_s - min(FULL_LEAD_S, FIRST_LEAD_S + self._sent_s / 2)
            if wait <= 0:
                return
            await asyncio.sleep(wait)

    def sent(self, pcm_bytes: int) -> float:
        """Notes sound that is sent now; returns in how many seconds it will be heard."""
        self._sent_s += seconds(pcm_bytes)
        return self._clock.sent(seconds(pcm_bytes))
