"""Sound is taken from its engine as fast as it is made: a slow listener keeps no engine busy."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from inference.host.errors import NotTaken
from inference.types import WIRE_RATE

_MOST_BYTES = 600 * WIRE_RATE * 2
"""Waiting for the listener: ten minutes of sound, more than the longest text lasts at its usual pace ..."""
_MOST_WAIT_S = 30.0
"""... and an engine that is further ahead waits altogether so long."""


class _Ahead:
    """What has been made and not been taken. Of one event loop, one maker and one taker."""

    def __init__(self, most_bytes: int, wait_s: float) -> None:
        self._most_bytes = most_bytes
        self._left_s = wait_s
        self._kept: deque[bytes | Exception | None] = deque()
        self._bytes = 0
        self._came = asyncio.Event()
        self._taken = asyncio.Event()

    async def fill(self, pieces: AsyncIterator[bytes]) -> None:
        """Takes ``pieces`` to their end, and closes them; an error comes in the place of what it cost."""
        try:
            async for piece in pieces:
                self._put(piece)
                self._bytes += len(piece)
                await self._room()
            self._put(None)
        except Exception as error:  # noqa: BLE001 - raised where the pieces are read
            self._put(error)
        finally:
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()

    async def take(self) -> bytes | None:
        """The next piece, None after the last."""
        while not self._kept:
            self._came.clear()
            await self._came.wait()
        piece = self._kept.popleft()
        if isinstance(piece, Exception):
            raise piece
        self._bytes -= len(piece or b"")
        self._taken.set()
        return piece

    def _put(self, piece: bytes | Exception | None) -> None:
        self._kept.append(piece)
        self._came.set()

    async def _room(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._left_s):
                while self._bytes > self._most_bytes:
                    self._taken.clear()
                    await self._taken.wait()
        except TimeoutError:
            self._kept.clear()  # it ends here, not when the listener has come so far
            raise NotTaken("Nobody takes this sound as fast as it sounds.") from None
        self._left_s -= loop.time() - began


async def eagerly(
    pieces: AsyncIterator[bytes], *, most_bytes: int = _MOST_BYTES, wait_s: float = _MOST_WAIT_S
) -> AsyncGenerator[bytes]:
    """``pieces``, read ahead by a task of its own; leaving early closes them, an error comes in its place.

    Raises `NotTaken` when there are more than ``most_bytes`` ahead for longer than ``wait_s`` altogether.
    """
    ahead = _Ahead(most_bytes, wait_s)
    task = asyncio.create_task(ahead.fill(pieces), name="speech ahead")
    try:
        while (piece := await ahead.take()) is not None:
            yield piece
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
