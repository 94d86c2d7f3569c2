"""A few threads with a bounded queue before them, for what must not block an event loop: reads, audio files.

Channels and asgiref run all database work of a process in one shared thread; a slow page there would hold up every
conversation, so the log has its own. Each thread has its own database connection.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from django.db import connections

from conversations.log.errors import LogBusy, LogClosed
from conversations.log.outage import persistently

T = TypeVar("T")

MAX_WAITING = 256
"""Calls that may wait; beyond it callers get `LogBusy` at once."""


class Threads:
    """``submit`` from any thread; the threads start with the first call and end with `close`."""

    def __init__(self, name: str, *, threads: int = 2, max_waiting: int = MAX_WAITING) -> None:
        self._name = name
        self._queue: queue.Queue[tuple[Callable[[], Any], Future[Any]] | None] = queue.Queue(max_waiting)
        self._count = threads
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Raises `LogBusy`, `LogClosed`."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise LogClosed("The log of this process is closed.")
            while len(self._threads) < self._count:
                name = f"{self._name}-{len(self._threads)}"
                self._threads.append(threading.Thread(target=self._run, name=name, daemon=True))
                self._threads[-1].start()
            try:
                self._queue.put_nowait((work, future))
            except queue.Full:
                raise LogBusy(f"{self._queue.maxsize} calls are waiting for {self._name}: try again.") from None
        return future

    def close(self) -> None:
        """Carries out what waits, closes the connections, ends the threads. May be called twice."""
        with self._lock:
            self._closed = True
            threads, self._threads = self._threads, []
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            thread.join()

    def _run(self) -> None:
        try:
            while (job := self._queue.get()) is not None:
                work, future = job
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    drop_broken_connection()
                    result = persistently(work)
                except BaseException as error:  # noqa: BLE001 - it belongs to the caller, whatever it is
                    future.set_exception(error)
                else:
                    future.set_result(result)
        finally:
            connections.close_all()


def drop_broken_connection() -> None:
    """Lets the next query connect anew after an error that broke the connection.

    Not Django's `close_old_connections`: without a CONN_MAX_AGE that would connect anew every time.
    """
    connection = connections["default"]
    if connection.errors_occurred:
        if not connection.is_usable():
            connection.close()
        connection.errors_occurred = False
