"""How an engine does: what is told of it, and one life of it watched from its start until it hangs."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress

import aiohttp
import structlog

from inference.errors import EngineUnavailable
from inference.host.changes import Changes
from inference.host.children.health import Health, ask_health
from inference.host.children.output import Output
from inference.host.children.spec import EngineSpec
from inference.types import EngineState

log = structlog.get_logger(__name__)
_POLL_S = 0.1
_LOOK_S = 5.0
"""How often a running engine's health is asked for."""
_MISSES = 6
"""So many looks in a row without an answer, and the engine hangs: it is ended and started again."""
_STEADY_S = 30.0
"""A life that lasted this long is not one of dying at the start."""


class Told:
    """What everybody may know of an engine; whoever waits for it is woken when it is ready, or has failed."""

    def __init__(self, changes: Changes) -> None:
        self.state: EngineState = "unloaded"
        self.detail = "Not loaded."
        self.progress: float | None = None
        """0..1 while loading, if known."""
        self.memory_bytes = 0
        """As it says itself; 0 while it says nothing."""
        self.doubted = asyncio.Event()
        """Set when a connection to it broke: it is looked at before its time."""
        self._changes = changes
        self._settled = asyncio.Event()  # set while it is not loading
        self._settled.set()

    def set(self, state: EngineState, detail: str, progress: float | None = None) -> None:
        before = (self.state, self.detail, self.progress)
        self.state, self.detail, self.progress = state, detail, progress
        if state == "loading":
            self._settled.clear()
        else:
            self._settled.set()
        if before != (state, detail, progress):
            self._changes.notify()

    async def ready(self, model: str, wait_s: float) -> None:
        """Raises `EngineUnavailable` when it does not load, or not within ``wait_s``."""
        try:
            async with asyncio.timeout(wait_s):
                await self._settled.wait()
        except TimeoutError:
            raise EngineUnavailable(f"{model} is still loading. {self.detail}") from None
        if self.state != "ready":
            raise EngineUnavailable(self.detail)


class Watch:
    """One life of an engine; `until_lost` looks at its health as long as it lives.

    ``keeps_dying``: its lives before ended early, and that is what is told until it is ready. ``steady`` is called once
    this one is not of that kind.
    """

    def __init__(
        self, spec: EngineSpec, output: Output, told: Told, *, keeps_dying: bool, steady: Callable[[], object]
    ) -> None:
        self._spec = spec
        self._output = output
        self._told = told
        self._keeps_dying = keeps_dying
        self._steady = steady

    async def until_lost(self) -> None:
        """Returns when it is to be ended: it said that it failed, took too long to load, or hangs."""
        async with aiohttp.ClientSession(connector=self._spec.address.connector()) as http:
            if not await self._until_ready(http):
                return
            self._output.trusted = False
            self._told.set("ready", "")
            log.info("engine_ready", engine=self._spec.name, model=self._spec.model)
            steady = asyncio.get_running_loop().call_later(_STEADY_S, self._steady)
            try:
                await self._until_hung(http)
            finally:
                steady.cancel()
            log.warning("engine_hangs", engine=self._spec.name)
            self._output.take(b"\navatar: it no longer answered, and was ended\n")

    async def _until_ready(self, http: aiohttp.ClientSession) -> bool:
        """False when it has said that it failed, or has taken too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._spec.load_timeout_s):
                while True:
                    health = await self._look(http)
                    if health is not None and health.state == "failed":
                        self._output.take(f"\nerror: {health.detail}\n".encode())
                        return False
                    if health is not None and health.state == "ready":
                        return True
                    if not self._keeps_dying:
                        self._tell_loading(health)
                    await asyncio.sleep(_POLL_S)
        self._output.take(f"\nerror: not ready within {self._spec.load_timeout_s:.0f} s\n".encode())
        return False

    def _tell_loading(self, health: Health | None) -> None:
        told, said = self._told, self._spec.progress_said
        if health is not None:
            progress = health.progress if health.progress is not None else told.progress
            told.set("loading", health.detail or told.detail, progress)
        elif said and (found := re.search(said, self._output.last)):
            told.set("loading", told.detail, int(found.group(1)) / 100)

    async def _until_hung(self, http: aiohttp.ClientSession) -> None:
        told, misses = self._told, 0
        while misses < _MISSES:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S if told.state != "ready" and not misses else _LOOK_S):
                    await told.doubted.wait()
            told.doubted.clear()
            health = await self._look(http)
            misses = misses + 1 if health is None else 0
            if health is not None and told.state != "ready":
                told.set("ready", "")

    async def _look(self, http: aiohttp.ClientSession) -> Health | None:
        health = await ask_health(http, self._spec.address.url + self._spec.health_path)
        if health is not None and health.memory_bytes:
            self._told.memory_bytes = health.memory_bytes
        return health
