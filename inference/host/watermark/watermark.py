"""The watermark as the host uses it: a stream of cloned sound goes through it, a recording is searched for it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import aiohttp
import msgspec
import numpy as np

from inference.audio.pcm import to_float
from inference.errors import EngineUnavailable
from inference.host.children.child import Child
from inference.host.watermark.blocks import Blocks
from inference.types import WIRE_RATE, EngineStatus, WatermarkFound
from inference.wire_errors import read_error

PRESENT = 0.7
"""From this confidence on the mark is there (docs/adr/0112 has the figures)."""
WINDOW_S = 3.0
_HOP_S = 1.5
_SHORTEST_S = 0.5
_SILENT = 1e-3
_CALL_TIMEOUT_S = 10.0
_LOAD_WAIT_S = 45.0
_IDLE_S = 300.0
_LOOK_S = 20.0


class Watermark:
    """`inference.host.speech.terms.Watermarker`, and the way to find the mark again. Of one event loop."""

    def __init__(self, child: Child, *, idle_s: float = _IDLE_S, look_s: float = _LOOK_S) -> None:
        self.child = child
        self._idle_s = idle_s
        self._look_s = look_s
        self._searching = 0
        self._last_used = 0.0

    @property
    def status(self) -> EngineStatus:
        return self.child.status

    async def run(self) -> None:
        """Unloads a worker that was loaded for a search alone, some minutes after the last one; until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._look_s)
            idle = not self._searching and loop.time() - self._last_used > self._idle_s
            if self.child.spec.on_demand and self.status.state == "ready" and idle:
                await self.child.unload()

    async def marked(self, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """PCM16 mono at WIRE_RATE with the mark, as long as it came in; the first of it once 0.7 s of it has come.

        Raises `EngineUnavailable` when the worker is away: what is not marked does not leave. Closing it closes
        ``pieces``.
        """
        blocks = Blocks()
        try:
            await self.child.get_ready(0)
            async with self._session() as http:
                async for piece in pieces:
                    for window in blocks.feed(piece):
                        yield blocks.take(window, await self._mark(http, window.pcm))
                for window in blocks.finish():
                    yield blocks.take(window, await self._mark(http, window.pcm))
        finally:
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()

    async def find(self, pcm: AsyncIterator[bytes]) -> WatermarkFound:
        """Looks for the mark in PCM16 mono at WIRE_RATE, three seconds at a time, and loads the worker if need be.

        Raises `EngineUnavailable` while it is still being loaded, telling how far it is.
        """
        self._searching += 1
        try:
            await self.child.load()
            await self.child.get_ready(_LOAD_WAIT_S)
            found = [confidence async for confidence in self._confidences(pcm)]
        finally:
            self._searching -= 1
            self._last_used = asyncio.get_running_loop().time()
        share = sum(confidence >= PRESENT for confidence in found) / len(found) if found else 0.0
        return WatermarkFound(present=share > 0, confidence=max(found, default=0.0), share=share)

    async def _confidences(self, pcm: AsyncIterator[bytes]) -> AsyncIterator[float]:
        async with self._session() as http:
            async for window in _windows(pcm):
                answer = await self._ask(http, "/confidence", window)
                yield msgspec.json.decode(answer, type=_Confidence).confidence

    def _session(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=_CALL_TIMEOUT_S)
        return aiohttp.ClientSession(connector=self.child.address.connector(), timeout=timeout)

    async def _mark(self, http: aiohttp.ClientSession, pcm: bytes) -> bytes:
        marked = await self._ask(http, "/mark", pcm)
        if len(marked) != len(pcm):
            raise EngineUnavailable("The watermark gave back another length of sound.")
        return marked

    async def _ask(self, http: aiohttp.ClientSession, path: str, pcm: bytes) -> bytes:
        try:
            async with http.post(self.child.address.url + path, data=pcm) as response:
                body = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            self.child.note_broken()
            raise EngineUnavailable("The watermark is away; it is started again.") from None
        if response.status != 200:
            raise read_error(response.status, body)
        return body


class _Confidence(msgspec.Struct):
    confidence: float


async def _windows(pcm: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Overlapping windows of `WINDOW_S`; those of silence are left out, a last one may be shorter."""
    size, hop = (round(seconds * WIRE_RATE) * 2 for seconds in (WINDOW_S, _HOP_S))
    kept = bytearray()
    whole = 0
    async for piece in pcm:
        kept += piece
        while len(kept) >= size:
            whole += 1
            for window in _sounding(bytes(kept[:size])):
                yield window
            del kept[:hop]
    # What is left has been part of a window already, but for its end.
    rest = bytes(kept[: len(kept) & ~1])
    if not whole or len(rest) > size - hop + _SHORTEST_S * WIRE_RATE * 2:
        for window in _sounding(rest):
            yield window


def _sounding(window: bytes) -> Iterator[bytes]:
    if window and float(np.sqrt(np.mean(np.square(to_float(window))))) > _SILENT:
        yield window
