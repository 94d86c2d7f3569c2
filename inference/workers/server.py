"""What every worker process serves: its health, and its engine's work, one piece at a time, on a Unix socket.

A worker's module builds a `Worker` and calls `serve`. The engine loads in its own thread after the socket listens, so
that /health tells how far it is; all its work runs in that same thread, one job after the other. Hanging up cancels a
job: waiting, it never starts; running, it is told between its steps. The process ends with its standard input.
"""

import asyncio
import os
import stat
import sys
import threading
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from inference.errors import EngineError, EngineUnavailable
from inference.workers.answers import Health, error_response, health_response, refused

T = TypeVar("T")
Cancelled = Callable[[], bool]
"""Asked between steps; True means that nobody waits for the result."""
Tell = Callable[[float, str], None]
"""Told 0..1 and a few words while an engine loads."""

_MOST_BODY_BYTES = 8 * 1024 * 1024
_MOST_WAITING = 32
_FAILED_FOR_S = 5.0
"""A worker that could not load says why for this long, then ends with status 1: whoever watches it starts it again."""
_SHUTDOWN_S = 1.0
_STEP_TIMEOUT_S = 120.0
"""The longest that one piece of work may take."""
_HUNG = 70


def _end_process() -> None:
    """A thread that hangs cannot be ended by itself; whoever watches the process starts it again."""
    sys.stderr.write("error: the engine hangs, and is ended\n")
    sys.stderr.flush()
    os._exit(_HUNG)


class Worker(Protocol):
    """An engine as its process serves it."""

    def load(self, tell: Tell) -> None:
        """Loads and warms, in the engine's thread; raises `EngineError` saying what is missing and what to do."""

    def routes(self, jobs: "Jobs") -> Iterable[web.RouteDef]:
        """What it serves beside /health; handlers give their work to ``jobs``."""


class Jobs:
    """The engine's thread. Of one event loop."""

    def __init__(self, *, step_timeout_s: float = _STEP_TIMEOUT_S, hangs: Callable[[], None] = _end_process) -> None:
        self._step_timeout_s = step_timeout_s
        self._hangs = hangs
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._one = asyncio.Lock()
        self._waiting = 0
        self.health = Health(state="loading", detail="Starting.")

    async def run(self, call: Callable[[Cancelled], T]) -> T:
        """Runs ``call`` when it is its turn; cancelled, it is told and its end awaited before the next begins."""
        async with self._turn() as cancelled:
            return await self._step(lambda: call(cancelled.is_set), cancelled)

    async def stream(self, start: Callable[[Cancelled], Iterator[bytes]]) -> AsyncGenerator[bytes]:
        """The pieces of ``start``'s iterator, each computed when the one before has been taken."""
        async with self._turn() as cancelled:
            pieces: Iterator[bytes] = await self._step(lambda: iter(start(cancelled.is_set)), cancelled)
            try:
                while (piece := await self._step(lambda: next(pieces, None), cancelled)) is not None:
                    yield piece
            finally:
                cancelled.set()
                close = getattr(pieces, "close", None)
                if close is not None:
                    await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, close))

    async def load(self, load: Callable[[Tell], None]) -> None:
        """Loads in the thread, keeping `health`; raises what went wrong."""
        loop = asyncio.get_running_loop()

        def tell(progress: float, detail: str) -> None:
            loop.call_soon_threadsafe(self._note, Health(state="loading", progress=progress, detail=detail))

        try:
            await loop.run_in_executor(self._thread, load, tell)
        except Exception as error:
            words = error.message if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
            self.health = Health(state="failed", detail=words[:500])
            raise
        self.health = Health(state="ready", progress=1.0)

    def _note(self, health: Health) -> None:
        if self.health.state == "loading":
            self.health = health

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[threading.Event]:
        if self.health.state != "ready":
            raise EngineUnavailable(self.health.detail or "The engine is still being loaded.")
        if self._waiting >= _MOST_WAITING:
            raise EngineUnavailable("Too much work waits for this engine already.")
        self._waiting += 1
        try:
            async with self._one:
                yield threading.Event()
        finally:
            self._waiting -= 1

    async def _step(self, call: Callable[[], T], cancelled: threading.Event) -> T:
        loop = asyncio.get_running_loop()
        hang = loop.call_later(self._step_timeout_s, self._hangs)
        future = loop.run_in_executor(self._thread, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            cancelled.set()
            await asyncio.wait([future])  # the thread is free again before the next job has its turn
            if not future.cancelled():
                future.exception()
            raise
        finally:
            hang.cancel()


async def sound_response(request: web.Request, pieces: AsyncGenerator[bytes]) -> web.StreamResponse:
    """Streams PCM16; the first piece decides whether it is an answer or an error, a later fault breaks it off."""
    async with aclosing(pieces):
        first = await anext(pieces, b"")
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await response.prepare(request)
        try:
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
        except BaseException:
            if request.transport is not None:
                request.transport.abort()
            raise
        await response.write_eof()
        return response


def create_app(worker: Worker, jobs: Jobs) -> web.Application:
    """The worker's routes and /health."""

    async def health(_request: web.Request) -> web.Response:
        return health_response(jobs.health)

    app = web.Application(middlewares=[_answer_errors], client_max_size=_MOST_BODY_BYTES)
    app.router.add_get("/health", health)
    app.add_routes(list(worker.routes(jobs)))
    return app


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except EngineError as error:
        return error_response(error)
    except msgspec.MsgspecError as error:
        return refused(f"The request is not what it should be: {error}")
    except (web.HTTPException, asyncio.CancelledError, ConnectionError):
        raise
    except Exception as error:  # noqa: BLE001 - an engine may raise anything; its words could be the speaker's
        places = traceback.extract_tb(error.__traceback__)[-3:]
        where = " < ".join(f"{Path(place.filename).name}:{place.lineno} {place.name}" for place in reversed(places))
        sys.stderr.write(f"avatar: {type(error).__name__} at {where}\n")
        sys.stderr.flush()
        return error_response(EngineError(f"The engine failed ({type(error).__name__})."))


def serve(worker: Worker, socket: str, *, step_timeout_s: float = _STEP_TIMEOUT_S) -> int:
    """Serves at ``socket`` until standard input ends; the exit status. For a process's main thread.

    An engine that takes longer than ``step_timeout_s`` for a piece of its work hangs: the process ends at once.
    """
    try:
        return asyncio.run(_serve(worker, socket, step_timeout_s))
    finally:
        Path(socket).unlink(missing_ok=True)


async def _serve(worker: Worker, socket: str, step_timeout_s: float) -> int:
    jobs = Jobs(step_timeout_s=step_timeout_s)
    runner = web.AppRunner(
        create_app(worker, jobs), handler_cancellation=True, access_log=None, shutdown_timeout=_SHUTDOWN_S
    )
    await runner.setup()
    before = os.umask(0o177)
    try:
        await web.UnixSite(runner, socket).start()
    finally:
        os.umask(before)
    ended = asyncio.Event()
    _watch_input(asyncio.get_running_loop(), ended)
    end = asyncio.create_task(ended.wait(), name="end of standard input")
    load = asyncio.create_task(jobs.load(worker.load), name="load")
    await asyncio.wait({end, load}, return_when=asyncio.FIRST_COMPLETED)
    failed = load.done() and load.exception() is not None
    if failed:
        sys.stderr.write(f"Cannot load: {jobs.health.detail}\n")
        await asyncio.wait({end}, timeout=_FAILED_FOR_S)
    else:
        await end
    await runner.cleanup()
    return int(failed)


def _watch_input(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """Sets ``ended`` when the other end of standard input is gone, which is when whoever started us is.

    Only where standard input is a pipe: with another, whoever started us ends us in another way.
    """
    if not stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        return

    def watch() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, name="standard input", daemon=True).start()
