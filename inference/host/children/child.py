"""An engine in a process of its own, supervised: `Child.run` keeps it alive, or loaded only while it is wanted."""

import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import structlog

from inference.env import BASE_DIR
from inference.errors import EngineError, EngineUnavailable
from inference.host.backoff import Backoff
from inference.host.changes import Changes
from inference.host.children.health import Health, ask_health
from inference.host.children.installing import Making
from inference.host.children.output import Output
from inference.host.children.process import ChildProcess
from inference.host.children.spec import Address, EngineSpec
from inference.types import EngineState, EngineStatus

log = structlog.get_logger(__name__)
_TRIES_BEFORE_FAILED = 3
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 60.0
_POLL_S = 0.1
_LOOK_S = 5.0
"""How often a running engine's health is asked for."""
_MISSES = 6
"""So many looks in a row without an answer, and the engine hangs: it is ended and started again."""
_STEADY_S = 30.0
"""A life that lasted this long is not one of dying at the start."""
_MAKING_SHARE = 0.7
"""Of the progress that is shown, when the environment has to be made first."""


class Child:
    """One engine; all methods belong to the event loop that `run` runs in."""

    def __init__(self, spec: EngineSpec, changes: Changes, *, log_dir: Path) -> None:
        self.spec = spec
        self.output = Output(log_dir / f"{spec.name}.log")
        self.starts = 0
        """How many lives it has had."""
        self._changes = changes
        self._backoff = Backoff(_FIRST_RETRY_S, _LONGEST_RETRY_S)
        self._process: ChildProcess | None = None
        self._life: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._settled = asyncio.Event()  # set while it is not loading
        self._doubted = asyncio.Event()
        self._state: EngineState = "unloaded"
        self._detail = "Not loaded."
        self._progress: float | None = None
        self._told_bytes = 0
        self._settled.set()
        if not spec.on_demand:
            self._want()

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def address(self) -> Address:
        return self.spec.address

    @property
    def status(self) -> EngineStatus:
        return EngineStatus(
            kind=self.spec.kind,
            model=self.spec.model,
            state=self._state,
            languages=self.spec.languages,
            progress=self._progress if self._state == "loading" else None,
            detail=self._detail,
            memory_bytes=self._told_bytes or self.spec.memory_bytes,
        )

    @property
    def pids(self) -> frozenset[int]:
        """Its processes now, for measuring; empty while there is none."""
        return self._process.pids if self._process else frozenset()

    async def get_ready(self, wait_s: float = 60.0) -> None:
        """Returns once it can serve; raises `EngineUnavailable` when it cannot, or not within ``wait_s``.

        It does not load what is unloaded: that is decided by who owns the memory.
        """
        try:
            async with asyncio.timeout(wait_s):
                await self._settled.wait()
        except TimeoutError:
            raise EngineUnavailable(f"{self.spec.model} is still loading. {self._detail}") from None
        if self._state != "ready":
            raise EngineUnavailable(self._detail)

    async def load(self) -> None:
        """Wants it: it is started, and kept alive from then on. Returns at once; `get_ready` waits."""
        if not self._wanted.is_set():
            self._want()

    async def unload(self) -> None:
        """Ends it, whatever it is doing; returns once its processes are gone, and their memory is free."""
        self._wanted.clear()
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])
        self._backoff.reset()
        if not self._wanted.is_set():  # else somebody wants it again by now
            self._set("unloaded", "Not loaded.")

    def note_broken(self) -> None:
        """A connection to it broke: it counts as loading until it answers again, or the next life does."""
        if self._state == "ready":
            self._set("loading", f"{self.spec.model} is being started again.")
            self._doubted.set()

    async def run(self) -> None:
        """Supervises until cancelled, and ends the engine then."""
        while True:
            await self._wanted.wait()
            async with asyncio.TaskGroup() as tasks:
                self._life = tasks.create_task(self._live(), name=f"engine {self.name}")

    def _want(self) -> None:
        self._wanted.set()
        self._set("loading", f"{self.spec.model} waits to be started.")

    async def _live(self) -> None:
        while True:
            try:
                delay = await self._live_once()
            except (EngineError, OSError) as error:
                delay = self._failed(str(error))
            await asyncio.sleep(delay)

    async def _live_once(self) -> float:
        """One life; how long to wait before the next, in seconds."""
        spec = self.spec
        python = (
            str(await spec.environment.ensure(self._tell_making)) if spec.environment else spec.python or sys.executable
        )
        if spec.address.socket:
            spec.address.socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            spec.address.socket.unlink(missing_ok=True)
        if self._backoff.failures < _TRIES_BEFORE_FAILED:
            self._set("loading", f"Starting {spec.model}.")
        self.starts += 1
        self._told_bytes = 0
        self.output.begin(f"start {self.starts} of {spec.name}")
        env = {"PYTHONPATH": str(BASE_DIR), "PYTHONUNBUFFERED": "1", **spec.env}
        process = await ChildProcess.start((python, *spec.argv), env, self.output, grace_s=spec.grace_s)
        self._process = process
        watching = asyncio.create_task(self._watch(process), name=f"watch {self.name}")
        try:
            how = await process.wait()
        finally:
            watching.cancel()
            await _to_its_end(asyncio.create_task(process.end(), name=f"end {self.name}"))
            self._process = None
            if spec.address.socket:
                spec.address.socket.unlink(missing_ok=True)
        log.warning("engine_process_died", engine=self.name, how=how)
        return self._failed(f"It ended ({how}). {self.output.complaint}".rstrip())

    async def _watch(self, process: ChildProcess) -> None:
        connector = self.address.connector()
        async with aiohttp.ClientSession(connector=connector) as http:
            if not await self._until_ready(http):
                process.kill()
                return
            self.output.trusted = False
            self._set("ready", "")
            log.info("engine_ready", engine=self.name, model=self.spec.model)
            steady = asyncio.get_running_loop().call_later(_STEADY_S, self._backoff.reset)
            try:
                await self._until_hung(http)
            finally:
                steady.cancel()
            log.warning("engine_hangs", engine=self.name)
            self.output.take(b"\navatar: it no longer answered, and was ended\n")
            process.kill()

    async def _until_ready(self, http: aiohttp.ClientSession) -> bool:
        """False when it has said that it failed, or has taken too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.spec.load_timeout_s):
                while True:
                    health = await self._look(http)
                    if health is not None and health.state == "failed":
                        self.output.take(f"\nerror: {health.detail}\n".encode())
                        return False
                    if health is not None and health.state == "ready":
                        return True
                    self._tell_loading(health)
                    await asyncio.sleep(_POLL_S)
        self.output.take(f"\nerror: not ready within {self.spec.load_timeout_s:.0f} s\n".encode())
        return False

    def _tell_loading(self, health: Health | None) -> None:
        if self._backoff.failures >= _TRIES_BEFORE_FAILED:  # it keeps dying, and that is what is told
            return
        said = self.spec.progress_said
        if health is not None:
            self._set("loading", health.detail or self._detail, _first(health.progress, self._progress))
        elif said and (found := re.search(said, self.output.last)):
            self._set("loading", self._detail, int(found.group(1)) / 100)

    async def _until_hung(self, http: aiohttp.ClientSession) -> None:
        misses = 0
        while misses < _MISSES:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S if self._state != "ready" and not misses else _LOOK_S):
                    await self._doubted.wait()
            self._doubted.clear()
            health = await self._look(http)
            misses = misses + 1 if health is None else 0
            if health is not None and self._state != "ready":
                self._set("ready", "")

    async def _look(self, http: aiohttp.ClientSession) -> Health | None:
        health = await ask_health(http, self.address.url + self.spec.health_path)
        if health is not None and health.memory_bytes:
            self._told_bytes = health.memory_bytes
        return health

    def _failed(self, what: str) -> float:
        delay = self._backoff.failed()
        log.warning("engine_failed", engine=self.name, tries=self._backoff.failures, retry_in_s=delay)
        if self._backoff.failures < _TRIES_BEFORE_FAILED:
            self._set("loading", f"{self.spec.model} is being started again. {what}")
        else:
            hint = f"`manage.py engines logs {self.name}` shows what it said."
            self._set("failed", f"{self.spec.model} does not run. {what} {hint} Next try in {delay:.0f} s.")
        return delay

    def _tell_making(self, making: Making) -> None:
        self._set("loading", making.detail, making.progress * _MAKING_SHARE)

    def _set(self, state: EngineState, detail: str, progress: float | None = None) -> None:
        told = (self._state, self._detail, self._progress)
        self._state, self._detail, self._progress = state, detail, progress
        if state == "loading":
            self._settled.clear()
        else:
            self._settled.set()
        if told != (state, detail, progress):
            self._changes.notify()


class Children:
    """All engines in processes of their own, by name."""

    def __init__(self) -> None:
        self._children: dict[str, Child] = {}

    def add(self, child: Child) -> Child:
        self._children[child.name] = child
        return child

    def __iter__(self) -> Iterator[Child]:
        return iter(self._children.values())

    def named(self, name: str) -> Child | None:
        """By the engine's name or by its model's."""
        return self._children.get(name) or next((child for child in self if child.spec.model == name), None)

    async def run(self) -> None:
        """Supervises all of them until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for child in self:
                tasks.create_task(child.run(), name=f"child {child.name}")


async def _to_its_end(task: asyncio.Task[None]) -> None:
    """Waits for it even when cancelled meanwhile: who unloads an engine twice still finds its memory free."""
    interrupted: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            interrupted = error
    if interrupted is not None:
        raise interrupted
    task.result()


def _first(told: float | None, before: float | None) -> float | None:
    return told if told is not None else before
