"""One look at the log for all streams of the process: whoever listens is woken when there is something to read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import structlog
from django.db import DatabaseError

from conversations.feed.page import is_conversation
from conversations.log import store
from conversations.log.errors import LogError
from conversations.log.models import Event
from conversations.log.threads import Threads
from conversations.models import Conversation
from conversations.streams import conversation_of

T = TypeVar("T")
LOOK_EVERY_S = 0.5
NEWS_AT_MOST = 1_000
"""New positions whose owners are asked for; beyond it everybody is woken."""
log = structlog.get_logger(__name__)


class Listener:
    """Somebody who waits for news; ``owner_id`` is None for one who follows everything."""

    def __init__(self, owner_id: str | None) -> None:
        self.owner_id = owner_id
        self.news = asyncio.Event()


class Hub:
    """For one event loop. Its task and its threads live only while somebody listens.

    Threads of its own, so that a stream that catches up keeps no conversation waiting for the log's readers.
    """

    def __init__(self, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._look_every_s = look_every_s
        self._listeners: set[Listener] = set()
        self._threads: Threads | None = None
        self._looking: asyncio.Task[None] | None = None
        self._seen = 0

    @contextlib.asynccontextmanager
    async def listening(self, owner_id: str | None) -> AsyncIterator[Listener]:
        """Listens until the end of the block; the first news is that there may be something already."""
        listener = Listener(owner_id)
        listener.news.set()
        self._listeners.add(listener)
        if self._looking is None:
            self._threads = Threads("feed")
            self._seen = 0
            self._looking = asyncio.create_task(self._look(), name="the feed's look at the log")
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                await self._rest()

    async def read(self, work: Callable[[], T]) -> T:
        """Runs ``work``, which may use the ORM, on a thread of the feed. Raises `LogBusy` when too many wait."""
        assert self._threads is not None
        return await asyncio.wrap_future(self._threads.submit(work))

    async def _rest(self) -> None:
        looking, self._looking = self._looking, None
        threads, self._threads = self._threads, None
        if looking is not None:
            looking.cancel()
        if threads is not None:
            # Waits for a read that has begun, elsewhere: this loop carries conversations.
            await asyncio.shield(asyncio.to_thread(threads.close))

    async def _look(self) -> None:
        while True:
            try:
                newest, owners = await self.read(self._news)
            except (DatabaseError, LogError) as error:
                log.warning("feed_not_read", error=type(error).__name__)
            else:
                self._seen = newest
                for listener in self._listeners:
                    if owners is None or listener.owner_id in owners or (listener.owner_id is None and owners):
                        listener.news.set()
            await asyncio.sleep(self._look_every_s)

    def _news(self) -> tuple[int, set[str | None] | None]:
        """The newest position, and whose conversations have grown; None for anybody's."""
        newest = store.last_position()
        if newest == self._seen:
            return newest, set()
        if newest - self._seen > NEWS_AT_MOST or newest < self._seen:
            return newest, None
        rows = Event.objects.filter(position__gt=self._seen, position__lte=newest)
        streams = set(rows.values_list("stream", flat=True))
        ids = [conversation_of(stream) for stream in streams if is_conversation(stream)]
        # None stands for what is nobody's conversation: those who follow everything want it.
        owners = Conversation.objects.filter(id__in=ids).values_list("owner_id", flat=True)
        return newest, {None, *map(str, owners)}
