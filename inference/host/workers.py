"""Blocking engine calls in worker threads, each under the scheduler."""

import asyncio
import functools
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import msgspec

from inference.engines.base import Cancelled
from inference.host.scheduler import Needs, Scheduler, Ticket

T = TypeVar("T")
_URGENT_BY_S = 0.3
"""How much earlier waiting work must be due for running work to step back for it."""


class Done(msgspec.Struct, Generic[T], frozen=True):
    """A result, how long it waited for the machine, and how long it took there."""

    value: T
    wait_ms: float
    compute_ms: float


class _Running:
    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.cancelled = threading.Event()
        self.step_back = threading.Event()

    def stop(self) -> bool:
        return self.cancelled.is_set() or self.step_back.is_set()


class Workers:
    """Runs engines' calls for one event loop. A call keeps its cores until its thread is done, cancelled or not."""

    def __init__(self, scheduler: Scheduler, *, threads: int) -> None:
        self._scheduler = scheduler
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="engine")
        self._can_step_back: set[_Running] = set()

    def close(self) -> None:
        """Lets running calls end by themselves; none starts any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def run(
        self,
        call: Callable[[Cancelled], T],
        needs: Needs,
        *,
        due: float,
        expires: float,
        can_step_back: bool = False,
    ) -> Done[T]:
        """Runs ``call(cancelled)`` in a thread once it is its turn.

        With ``can_step_back``, ``cancelled`` may also turn true because much more urgent work waits for the same
        resources; the call is then started again after it, so it must not have changed anything.
        """
        loop = asyncio.get_running_loop()
        asked = loop.time()
        while True:
            ticket = self._scheduler.ask(needs, due=due)
            self._ask_others_to_step_back(ticket)
            await self._scheduler.wait(ticket, expires=expires)
            running = _Running(ticket)
            if can_step_back:
                self._can_step_back.add(running)
            try:
                value, compute_ms = await self._in_thread(functools.partial(call, running.stop), running)
            except Exception:
                if running.step_back.is_set():
                    continue
                raise
            if not running.step_back.is_set():
                return Done(value, (ticket.started - asked) * 1000, compute_ms)

    async def stream(
        self,
        start: Callable[[], Iterator[bytes]],
        needs: Needs,
        *,
        due: float,
        expires: float,
        seconds: Callable[[bytes], float],
    ) -> AsyncGenerator[Done[bytes]]:
        """Runs an engine's iterator one piece at a time: each is due when what came before has been heard.

        ``seconds(piece)`` is how long a piece lasts. Closing this iterator closes the engine's between pieces.
        """
        pieces: Iterator[bytes] | None = None

        def step() -> bytes | None:
            nonlocal pieces
            if pieces is None:
                pieces = start()
            return next(pieces, None)

        loop = asyncio.get_running_loop()
        last: asyncio.Future[None] | None = None
        try:
            while True:
                ticket = self._scheduler.ask(needs, due=due)
                self._ask_others_to_step_back(ticket)
                await self._scheduler.wait(ticket, expires=expires)
                last = loop.create_future()
                piece, compute_ms = await self._in_thread(step, _Running(ticket), ended=last)
                if piece is None:
                    return
                # The player empties no faster than sound lasts, so a later piece may also start later.
                lasts = seconds(piece)
                due, expires = max(due, loop.time()) + lasts, expires + lasts
                yield Done(piece, ticket.wait_ms, compute_ms)
        finally:
            if last is not None:
                last.add_done_callback(lambda _: _close(pieces))

    async def _in_thread(
        self, call: Callable[[], T], running: _Running, *, ended: asyncio.Future[None] | None = None
    ) -> tuple[T, float]:
        def timed() -> tuple[T, float]:
            began = time.perf_counter()
            value = call()
            return value, (time.perf_counter() - began) * 1000

        def end(done: asyncio.Future[tuple[T, float]]) -> None:
            self._can_step_back.discard(running)
            self._scheduler.release(running.ticket)
            if not done.cancelled():
                done.exception()  # somebody who hung up does not ask for it
            if ended is not None:
                ended.set_result(None)

        try:
            future = asyncio.get_running_loop().run_in_executor(self._pool, timed)
        except BaseException:
            self._scheduler.release(running.ticket)
            raise
        future.add_done_callback(end)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            running.cancelled.set()
            raise

    def _ask_others_to_step_back(self, ticket: Ticket) -> None:
        if ticket.granted.done():
            return
        for running in self._can_step_back:
            if running.ticket.due > ticket.due + _URGENT_BY_S and not ticket.needs.keys().isdisjoint(
                running.ticket.needs
            ):
                running.step_back.set()


def _close(pieces: Iterator[bytes] | None) -> None:
    close = getattr(pieces, "close", None)
    if close is not None:
        close()
