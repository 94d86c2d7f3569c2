"""Cuts a stream of sound into blocks that can be marked one by one, and joins the marked blocks without a seam.

Each block goes with the sound around it, since the mark of a moment depends on half a second about it; with that much
context blocks come out as they would from the whole (measured: no difference at the seams, docs/adr/0112).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from inference.types import WIRE_RATE

_BYTES_PER_S = WIRE_RATE * 2
FIRST_S = 0.5
BLOCK_S = 2.0
CONTEXT_S = 0.3
AHEAD_S = 0.2
"""Sound after a block that must have come before the block can be marked."""
_FADE_S = 0.01


class Window(NamedTuple):
    """What is sent to be marked; ``start`` and ``end`` are the block's place in it. All in bytes."""

    pcm: bytes
    start: int
    end: int


class Blocks:
    """One stream. For each window that `feed` and `finish` give, `take` wants the marked one, in the same order."""

    def __init__(self) -> None:
        self._kept = bytearray()  # context, then what is not marked yet
        self._context = 0
        self._size = _bytes(FIRST_S)
        self._tail = b""

    def feed(self, pcm: bytes) -> Iterator[Window]:
        """The windows that are whole now."""
        self._kept += pcm
        while len(self._kept) - self._context >= self._size + _bytes(AHEAD_S):
            yield self._window(self._context + self._size)

    def finish(self) -> Iterator[Window]:
        """The last window, if anything is left."""
        del self._kept[len(self._kept) & ~1 :]
        if len(self._kept) > self._context:
            yield self._window(len(self._kept))

    def take(self, window: Window, marked: bytes) -> bytes:
        """The block out of the marked window, its beginning faded over from the end of the one before."""
        block = marked[window.start : window.end]
        tail, self._tail = self._tail, marked[window.end : window.end + _bytes(_FADE_S)]
        count = min(len(tail), len(block))
        if not count:
            return block
        before, after = (np.frombuffer(piece[:count], "<i2").astype(np.float32) for piece in (tail, block))
        weight = np.linspace(0, 1, len(after), dtype=np.float32)
        return np.rint(before * (1 - weight) + after * weight).astype("<i2").tobytes() + block[count:]

    def _window(self, end: int) -> Window:
        window = Window(bytes(self._kept[: end + _bytes(AHEAD_S)]), self._context, end)
        kept_from = max(0, end - _bytes(CONTEXT_S))
        del self._kept[:kept_from]
        self._context = end - kept_from
        self._size = _bytes(BLOCK_S)
        return window


def _bytes(seconds: float) -> int:
    return round(seconds * WIRE_RATE) * 2
