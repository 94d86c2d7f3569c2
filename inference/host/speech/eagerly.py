"""Sound is taken from its engine as fast as it is made: a slow listener keeps no engine busy."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

_MOST_PIECES = 512
"""Waiting for the listener; an engine that is further ahead waits too."""


async def eagerly(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """``pieces``, read ahead by a task of its own; leaving early closes them, an error comes in its place."""
    queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(_MOST_PIECES)

    async def take() -> None:
        try:
            async for piece in pieces:
                await queue.put(piece)
            await queue.put(None)
        except Exception as error:  # noqa: BLE001 - raised where the pieces are read
            await queue.put(error)
        finally:
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()

    task = asyncio.create_task(take(), name="speech ahead")
    try:
        while (piece := await queue.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
