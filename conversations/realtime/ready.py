"""What was made of an answer and is not taken yet: steps in order, and how long the sound among them lasts."""

import asyncio
from collections import deque
from collections.abc import Iterator

from conversations.realtime.playback import seconds
from conversations.realtime.steps import Piece, Sound, Step, Voiced

AHEAD_S = 8.0
"""Sound made ahead of what is sent; beyond it text-to-speech waits (up to one sentence more)."""


class Ready:
    """Put by who makes them, taken by who tells them."""

    def __init__(self) -> None:
        self._steps: deque[Step] = deque()
        self._more = asyncio.Event()
        self._sound_bytes = 0
        self._room = asyncio.Event()
        self._room.set()

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)

    @property
    def first(self) -> Step | None:
        return self._steps[0] if self._steps else None

    @property
    def sound_s(self) -> float:
        return seconds(self._sound_bytes)

    @property
    def rest_of_sentence(self) -> int:
        """Bytes of sound of the sentence that was taken last."""
        total = 0
        for step in self._steps:
            if not isinstance(step, Sound):
                break
            total += len(step.pcm)
        return total

    async def room(self) -> None:
        """Waits while there is much sound."""
        await self._room.wait()

    def put(self, step: Step) -> None:
        self._steps.append(step)
        self._weigh(step, 1)
        self._more.set()

    async def take(self) -> Step:
        while not self._steps:
            self._more.clear()
            await self._more.wait()
        step = self._steps.popleft()
        self._weigh(step, -1)
        return step

    def take_back_sound(self) -> None:
        """Whatever was made of the sentence that was put last is none any more."""
        while self._steps and isinstance(self._steps[-1], Sound | Voiced):
            self._weigh(self._steps.pop(), -1)

    def take_back(self, at: int = 0) -> list[Piece]:
        """Takes out all from there on; returns what is still to be told, sentences without their sound."""
        kept = list(self._steps)
        self._steps = deque(kept[:at])
        told: list[Piece] = []
        for step in kept[at:]:
            self._weigh(step, -1)
            if not isinstance(step, Sound | Voiced):
                told.append(step)
        return told

    def _weigh(self, step: Step, times: int) -> None:
        if isinstance(step, Sound):
            self._sound_bytes += times * len(step.pcm)
        if self.sound_s < AHEAD_S:
            self._room.set()
        else:
            self._room.clear()
