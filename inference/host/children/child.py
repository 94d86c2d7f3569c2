"""An engine in a process of its own, supervised: `Child.run` keeps it alive, or loaded only while it is wanted."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import structlog

from inference.env import BASE_DIR
from inference.errors import EngineError
from inference.host.backoff import Backoff
from inference.host.changes import Changes
from inference.host.children.installing import Making
from inference.host.children.output import Output
from inference.host.children.process import ChildProcess
from inference.host.children.spec import Address, EngineSpec
from inference.host.children.watching import Told, Watch
from inference.types import EngineStatus

log = structlog.get_logger(__name__)
_TRIES_BEFORE_FAILED = 3
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 60.0
_MAKING_SHARE = 0.7
"""Of the progress that is shown, when the environment has to be made first."""


class Child:
    """One engine; all methods belong to the event loop that `run` runs in."""

    def __init__(self, spec: EngineSpec, changes: Changes, *, log_dir: Path) -> None:
        self.spec = spec
        self.output = Output(log_dir / f"{spec.name}.log")
        self.starts = 0
        """How many lives it has had."""
        self._backoff = Backoff(_FIRST_RETRY_S, _LONGEST_RETRY_S)
        self._process: ChildProcess | None = None
        self._life: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._told = Told(changes)
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
            engine=self.spec.name,
            state=self._told.state,
            languages=self.spec.languages,
            progress=self._told.progress if self._told.state == "loading" else None,
            detail=self._told.detail,
            memory_bytes=self._told.memory_bytes or self.spec.memory_bytes,
        )

    @property
    def pids(self) -> frozenset[int]:
        """Its processes now, for measuring; empty while there is none."""
        return self._process.pids if self._process else frozenset()

    async def get_ready(self, wait_s: float = 60.0) -> None:
        """Returns once it can serve; raises `EngineUnavailable` when it cannot, or not within ``wait_s``.

        It does not load what is unloaded: that is decided by who owns the memory.
        """
        await self._told.ready(self.spec.called, wait_s)

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
            self._told.set("unloaded", "Not loaded.")

    def note_broken(self) -> None:
        """A connection to it broke: it counts as loading until it answers again, or the next life does."""
        if self._told.state == "ready":
            self._told.set("loading", f"{self.spec.called} is being started again.")
            self._told.doubted.set()

    async def run(self) -> None:
        """Supervises until cancelled, and ends the engine then."""
        while True:
            await self._wanted.wait()
            async with asyncio.TaskGroup() as tasks:
                self._life = tasks.create_task(self._live(), name=f"engine {self.name}")

    def _want(self) -> None:
        self._wanted.set()
        self._told.set("loading", f"{self.spec.called} waits to be started.")

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
        keeps_dying = self._backoff.failures >= _TRIES_BEFORE_FAILED
        if not keeps_dying:
            self._told.set("loading", f"Starting {spec.called}.")
        self.starts += 1
        self._told.memory_bytes = 0
        self.output.begin(f"start {self.starts} of {spec.name}")
        env = {"PYTHONPATH": str(BASE_DIR), "PYTHONUNBUFFERED": "1", **spec.env}
        process = await ChildProcess.start((python, *spec.argv), env, self.output, grace_s=spec.grace_s)
        self._process = process
        watch = Watch(spec, self.output, self._told, keeps_dying=keeps_dying, steady=self._backoff.reset)
        watching = asyncio.create_task(_killed_when_lost(process, watch), name=f"watch {self.name}")
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

    def _failed(self, what: str) -> float:
        delay = self._backoff.failed()
        log.warning("engine_failed", engine=self.name, tries=self._backoff.failures, retry_in_s=delay)
        if self._backoff.failures < _TRIES_BEFORE_FAILED:
            self._told.set("loading", f"{self.spec.called} is being started again. {what}")
        else:
            hint = f"`manage.py engines logs {self.name}` shows what it said."
            self._told.set("failed", f"{self.spec.called} does not run. {what} {hint} Next try in {delay:.0f} s.")
        return delay

    def _tell_making(self, making: Making) -> None:
        self._told.set("loading", making.detail, making.progress * _MAKING_SHARE)


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


async def _killed_when_lost(process: ChildProcess, watch: Watch) -> None:
    await watch.until_lost()
    process.kill()


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
