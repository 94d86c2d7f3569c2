"""The one thread of a process that writes to the log, many waiting writes to a transaction (group commit).

A write is durable once its future has a result. Several processes may each have a writer: the database lets one
transaction at a time append.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, connections, transaction

from conversations.log import statements, store
from conversations.log.errors import LogBusy, LogClosed
from conversations.log.outage import BACK_WITHIN_S, BROKEN, Link, connect_again
from conversations.log.threads import drop_broken_connection

T = TypeVar("T")

MAX_WAITING = 2048
"""Writes that may wait; beyond it callers get `LogBusy` at once."""
MAX_BATCH = 256
"""Writes in one transaction."""
GATHER_S = 0.002
"""The longest that a write waits for half as many others as there were last time: a commit takes longer."""


class _TakenBack(Exception):
    """One of the jobs failed, and what was done of the others is undone."""


class _Job:
    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.future: Future[Any] = Future()

    def run(self) -> Callable[[], None]:
        """Does the work; returns what to call once the transaction is durable. May be called again after a rollback."""
        result = self.work()
        return lambda: self.future.set_result(result)

    def run_or_take_back(self) -> Callable[[], None]:
        """`run`; a failure takes back the whole transaction."""
        try:
            return self.run()
        except BaseException as error:
            if Link().is_lost:
                raise
            raise _TakenBack from error

    def run_in_savepoint(self) -> Callable[[], None]:
        """`run`, so that a failure is this job's alone."""
        try:
            with transaction.atomic():
                return self.run()
        except BaseException as error:
            if Link().is_lost:
                raise  # It befell all of them.
            return _failing(self, error)


class Writer:
    """``submit`` from any thread; the thread starts with the first write and ends with `close`."""

    def __init__(self, *, max_waiting: int = MAX_WAITING, max_batch: int = MAX_BATCH) -> None:
        self._queue: queue.Queue[_Job | None] = queue.Queue(max_waiting)
        self._max_batch = max_batch
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """``work`` runs inside the writer's transaction and fails alone. Raises `LogBusy`, `LogClosed`.

        When the transaction has to be done again, so has the work: what it does beside the database must not count.
        Cancelling the future takes a waiting write back; one that has begun is carried out.
        """
        job = _Job(work)
        with self._lock:
            if self._closed:
                raise LogClosed("The log of this process is closed.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
                self._thread.start()
            try:
                self._queue.put_nowait(job)
            except queue.Full:
                raise LogBusy(f"{self._queue.maxsize} writes are waiting for the log: try again.") from None
        return job.future

    def close(self) -> None:
        """Carries out what waits, closes the connection, ends the thread. May be called twice."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _run(self) -> None:
        try:
            ended, together = False, 1
            while not ended and (job := self._queue.get()) is not None:
                batch, ended = self._gather(job, together)
                together = len(batch)
                self._write(batch)
        finally:
            connections.close_all()

    def _gather(self, first: _Job, expected: int) -> tuple[list[_Job], bool]:
        """What waits; those who were answered just now get a moment to come again, so that one commit serves them."""
        batch = [first]
        until = time.monotonic() + GATHER_S
        while len(batch) < self._max_batch:
            try:
                left = until - time.monotonic()
                if len(batch) < expected // 2 and left > 0:
                    job = self._queue.get(timeout=left)
                else:
                    job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _write(self, batch: list[_Job]) -> None:
        running = [job for job in batch if job.future.set_running_or_notify_cancel()]
        for finish in self._done(running):
            finish()

    def _done(self, jobs: list[_Job]) -> list[Callable[[], None]]:
        """The jobs, stored or failed: first all as one, which is quickest; then with care for whose fault it is."""
        for how in (_Job.run_or_take_back, _Job.run_in_savepoint):
            if len(jobs) > 1:
                try:
                    return self._commit(jobs, how)
                except (_TakenBack, IntegrityError):
                    continue  # A deferred constraint breaks the commit for all.
                except BaseException as error:  # noqa: BLE001 - it belongs to the callers, and the thread lives on
                    return [_failing(job, error) for job in jobs]
        return [self._commit_alone(job) for job in jobs]

    def _commit_alone(self, job: _Job) -> Callable[[], None]:
        try:
            return self._commit([job], _Job.run)[0]
        except BaseException as error:  # noqa: BLE001 - it belongs to the caller, whatever it is
            return _failing(job, error)

    def _commit(self, jobs: list[_Job], how: Callable[[_Job], Callable[[], None]]) -> list[Callable[[], None]]:
        """Does the jobs in one transaction; again, when the database went away and nothing of it was stored."""
        drop_broken_connection()
        until = time.monotonic() + BACK_WITHIN_S
        attempted: _Attempt | None = None
        while True:
            link = Link()
            try:
                link.connect()
                with transaction.atomic(durable=True):
                    before = store.serialise()
                    # Only now: the transaction whose COMMIT was not answered may have been ending until here.
                    if attempted is not None and attempted.is_stored():
                        return attempted.done
                    attempted = None
                    with statements.together(connections["default"]) if how is _Job.run_or_take_back else nullcontext():
                        done = [how(job) for job in jobs]
                        attempted = _Attempt(done, store.finish(before))
            except BROKEN:
                if not link.is_lost:
                    raise
            else:
                return done
            connect_again(until)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What was done in a transaction whose COMMIT may have been heard or not."""

    done: list[Callable[[], None]]
    last_event: UUID | None

    def is_stored(self) -> bool:
        """False when nothing was appended: then it is done again, which changes nothing if it was stored."""
        return self.last_event is not None and store.is_stored(self.last_event)


def _failing(job: _Job, error: BaseException) -> Callable[[], None]:
    return lambda: job.future.set_exception(error)
