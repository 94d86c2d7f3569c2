"""How many computing requests at once: of each caller, and in this process altogether."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator

from avatar_project.openai_api.errors import RETRY_AFTER_S, ApiError

_CHAT_WITHIN_S = 60.0


class Places:
    """Counts for one process and one event loop."""

    def __init__(self, *, most: int, most_each: int, chats: int) -> None:
        self._most = most
        self._most_each = most_each
        self._taken: Counter[str] = Counter()
        self._chats = asyncio.Semaphore(chats)

    @contextlib.contextmanager
    def taken_by(self, name: str) -> Iterator[None]:
        """A place until the end of the block; raises `ApiError` at once when there is none."""
        if self._taken.total() >= self._most:
            message = "This server computes as much as it may for programs: try again shortly."
            raise ApiError(503, "overloaded", message, retry_in_s=RETRY_AFTER_S)
        if self._taken[name] >= self._most_each:
            message = f"This key has {self._most_each} requests running: wait for one to end."
            raise ApiError(429, "too_many_at_once", message, retry_in_s=RETRY_AFTER_S)
        self._taken[name] += 1
        try:
            yield
        finally:
            self._taken[name] -= 1
            self._taken += Counter()  # forgets whoever has none

    @contextlib.asynccontextmanager
    async def chat(self) -> AsyncIterator[None]:
        """One of the few places at the chat model; those who wait are served in the order in which they came."""
        try:
            async with asyncio.timeout(_CHAT_WITHIN_S):
                await self._chats.acquire()
        except TimeoutError:
            raise ApiError(503, "overloaded", "The chat model is busy: try again.", retry_in_s=RETRY_AFTER_S) from None
        try:
            yield
        finally:
            self._chats.release()
