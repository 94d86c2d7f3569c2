"""A microphone that never stops: clips when there are any, faint noise otherwise, in real time."""

import asyncio
import time

import msgspec
import numpy as np

from conversations.terminal.clips import Clip
from conversations.terminal.wire import Wire
from inference.types import WIRE_RATE

CHUNK_MS = 20
NOISE = 2.0
"""Standard deviation of the silence, in 16-bit steps."""


class Asked(msgspec.Struct):
    """A clip on its way; its first and last audible samples are captured at these moments (``time.perf_counter``)."""

    clip: Clip
    end: float

    @property
    def start(self) -> float:
        return self.end - self.clip.end_s + self.clip.start_s


class Microphone:
    def __init__(self, wire: Wire, seed: int) -> None:
        self._wire = wire
        self._noise = np.random.default_rng(seed)
        self._pending: asyncio.Queue[tuple[Clip, asyncio.Future[Asked]]] = asyncio.Queue(maxsize=1)
        self.late_ms = 0.0
        """How late a chunk left at worst: beyond some 50 ms the machine, not the server, is measured."""

    async def ask(self, clip: Clip) -> Asked:
        """Starts a clip with the next chunk; returns once it has started."""
        started: asyncio.Future[Asked] = asyncio.get_running_loop().create_future()
        await self._pending.put((clip, started))
        return await started

    async def run(self) -> None:
        size = WIRE_RATE * CHUNK_MS // 1000
        began, sent = time.perf_counter(), 0
        playing = np.zeros(0, np.int16)
        while True:
            if not len(playing) and not self._pending.empty():
                clip, started = self._pending.get_nowait()
                playing = np.frombuffer(clip.pcm, np.int16)
                started.set_result(Asked(clip, began + sent * size / WIRE_RATE + clip.end_s))
            chunk, playing = playing[:size], playing[size:]
            if len(chunk) < size:
                hush = self._noise.normal(0, NOISE, size - len(chunk)).astype(np.int16)
                chunk = np.concatenate([chunk, hush])
            sent += 1
            wait_s = began + sent * size / WIRE_RATE - time.perf_counter()
            self.late_ms = max(self.late_ms, -wait_s * 1000)
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            await self._wire.append(chunk.tobytes())
