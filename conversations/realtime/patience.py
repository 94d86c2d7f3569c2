"""Waiting, within bounds, for an engine that is starting or restarting."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar, cast

from inference.errors import EngineError, EngineUnavailable

T = TypeVar("T")
PATIENCE_S = 20.0
"""A model loads in less; whoever speaks meanwhile is answered late rather than not."""
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0


async def asked_patiently(ask: Callable[[], Awaitable[T]], *, patience_s: float = PATIENCE_S) -> T:
    """The answer of ``ask()``, asked again while the engine is unavailable; then the `EngineError` is raised."""
    pauses = _Pauses(patience_s)
    while True:
        try:
            return await ask()
        except EngineUnavailable as error:
            await pauses.wait(error)


async def patiently(
    start: Callable[[], AsyncIterator[T]], *, patience_s: float = PATIENCE_S
) -> AsyncGenerator[T, None]:
    """The stream of ``start()``, started again while nothing of it has come and the engine is unavailable."""
    pauses = _Pauses(patience_s)
    while True:
        begun = False
        try:
            # An async generator stops its engine's work when it is closed.
            async with aclosing(cast("_Closable[T]", start())) as stream:
                async for element in stream:
                    begun = True
                    yield element
        except EngineUnavailable as error:
            if begun:
                raise
            await pauses.wait(error)
        else:
            return


class _Closable(AsyncIterator[T]):
    async def aclose(self) -> None: ...


class _Pauses:
    def __init__(self, patience_s: float) -> None:
        self._until = time.monotonic() + patience_s
        self._pause_s = FIRST_PAUSE_S

    async def wait(self, error: EngineError) -> None:
        if error.permanent or time.monotonic() + self._pause_s > self._until:
            raise error
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)
