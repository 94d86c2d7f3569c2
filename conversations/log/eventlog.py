"""The log as the rest of the program uses it: one per process, from coroutines or from plain code."""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from django.db import connection

from conversations.log import store
from conversations.log.errors import LogTimeout
from conversations.log.threads import Threads
from conversations.log.types import Appended, NewEvent, RecordedEvent
from conversations.log.writer import Writer

T = TypeVar("T")

TIMEOUT_S = 10.0
"""How long a caller waits for an append or a read."""


class EventLog:
    """Appends through one writer thread, reads through a few others; never on asgiref's shared thread.

    Every method raises `errors.LogError`: `LogBusy` when a queue is full, `LogTimeout` after ``timeout_s``.
    """

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self.timeout_s = timeout_s
        self._writer = Writer()
        self._readers = Threads("log-reader")
        self._files = Threads("log-files")

    async def append(
        self,
        stream: str,
        expected_sequence: int | None,
        events: Sequence[NewEvent],
        idempotency_key: str | None = None,
    ) -> Appended:
        """`store.append`, durable when it returns."""
        return await self.write(lambda: store.append(stream, expected_sequence, events, idempotency_key))

    async def read_stream(self, stream: str, after: int = 0, limit: int | None = None) -> list[RecordedEvent]:
        return await self.read(lambda: store.read_stream(stream, after, limit))

    async def write(self, work: Callable[[], T]) -> T:
        """Runs ``work`` in the writer's transaction. Cancelling takes it back unless it has begun."""
        return await self._wait(self._writer.submit(work))

    async def read(self, work: Callable[[], T]) -> T:
        """Runs ``work``, which may use the ORM, on a reader's thread."""
        return await self._wait(self._readers.submit(work))

    async def in_files_thread(self, work: Callable[[], T]) -> T:
        """Runs ``work`` on a thread for files and codecs, so that it holds up neither readers nor the event loop."""
        return await self._wait(self._files.submit(work))

    def append_now(
        self,
        stream: str,
        expected_sequence: int | None,
        events: Sequence[NewEvent],
        idempotency_key: str | None = None,
    ) -> Appended:
        """`append` for plain code: commands, views, the admin."""
        return self.write_now(lambda: store.append(stream, expected_sequence, events, idempotency_key))

    def write_now(self, work: Callable[[], T]) -> T:
        """`write` for plain code; not from inside a transaction, which could never see the writer finish."""
        if connection.in_atomic_block:
            raise RuntimeError("The log is written by its own thread: append outside of transaction.atomic().")
        future = self._writer.submit(work)
        try:
            return future.result(self.timeout_s)
        except TimeoutError as error:
            future.cancel()
            raise _timeout(self.timeout_s) from error

    def close(self) -> None:
        """Writes what waits and ends the threads."""
        self._writer.close()
        self._readers.close()
        self._files.close()

    async def _wait(self, future: "Future[T]") -> T:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise _timeout(self.timeout_s) from error


def _timeout(timeout_s: float) -> LogTimeout:
    return LogTimeout(f"The log did not answer within {timeout_s:g} s; repeat with the same idempotency key.")


_lock = threading.Lock()
_logs: dict[int, EventLog] = {}


def event_log() -> EventLog:
    """This process's log. A forked child gets its own: threads do not survive a fork."""
    with _lock:
        log = _logs.get(os.getpid())
        if log is None:
            _logs.clear()
            log = _logs[os.getpid()] = EventLog()
            atexit.register(log.close)
        return log
