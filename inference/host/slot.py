"""One engine of the host's own process: loaded once, however many ask for it; a failed load is told and tried again."""

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

from inference.catalogue.errors import ModelMissing
from inference.engines.base import Engine, Progress
from inference.engines.memory import release_garbage
from inference.errors import EngineError, EngineUnavailable
from inference.host.backoff import Backoff
from inference.host.changes import Changes
from inference.host.scheduler import Needs
from inference.types import EngineKind, EngineState, EngineStatus

log = structlog.get_logger(__name__)
E = TypeVar("E", bound=Engine)
_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 60.0
_MISSING_RETRY_S = 3.0
"""How often to look whether a missing model has been pulled meanwhile."""
_LOAD_WAIT_S = 60.0


class EngineSlot(Generic[E]):
    """An engine and its state.

    ``build`` makes the engine (it may import heavy packages, so it runs in a thread); ``needs`` is what one call takes
    of the machine. Many callers wait for one load.
    """

    def __init__(
        self,
        kind: EngineKind,
        model: str,
        build: Callable[[], E],
        needs: Needs,
        changes: Changes,
        *,
        on_ready: Callable[[E], None] = lambda _: None,
        first_retry_s: float = _FIRST_RETRY_S,
    ) -> None:
        self.kind = kind
        self.model = model
        self.needs = needs
        self._build = build
        self._on_ready = on_ready
        self._changes = changes
        self._engine: E | None = None
        self._settled = asyncio.Event()  # set while the engine is not loading
        self._backoff = Backoff(first_retry_s, _LONGEST_RETRY_S)
        self._state: EngineState = "loading"
        self._progress: float | None = None
        self._detail = "Waits to be loaded."
        self._wanted = asyncio.Event()
        self.loads = 0

    @property
    def engine(self) -> E | None:
        """The engine when it is ready."""
        return self._engine

    @property
    def status(self) -> EngineStatus:
        engine = self._engine
        return EngineStatus(
            kind=self.kind,
            model=self.model,
            state=self._state,
            languages=engine.languages if engine else (),
            progress=self._progress if self._state == "loading" else None,
            detail=self._detail,
            memory_bytes=engine.memory_bytes if engine else 0,
        )

    async def get(self, *, wait_s: float = _LOAD_WAIT_S) -> E:
        """The engine, waiting while it loads; raises `EngineUnavailable` with what is wrong and what to do."""
        if self._engine is None:
            try:
                async with asyncio.timeout(wait_s):
                    await self._settled.wait()
            except TimeoutError:
                raise EngineUnavailable(f"{self.model} is still loading. Try again shortly.") from None
        if self._engine is None:
            raise EngineUnavailable(self._detail)
        return self._engine

    async def load(self, one_at_a_time: asyncio.Lock) -> None:
        """Loads until it succeeded, or `unload` was called meanwhile.

        Loads of different engines take turns, in the order in which they were begun.
        """
        self._wanted.set()
        if self._state == "unloaded":
            self._set("loading", "Waits to be loaded.")
        while self._wanted.is_set() and self._engine is None:
            async with one_at_a_time:
                if not self._wanted.is_set() or self._engine is not None:
                    return  # another call for the same has loaded it meanwhile
                self._set("loading", f"Loading {self.model}.", 0.0)
                delay = await self._try()
            if not self._wanted.is_set():
                await self.unload()
            elif delay:
                await asyncio.sleep(delay)

    async def unload(self) -> None:
        """Gives its memory back, once the calls that are under way have ended, or gives up loading it.

        `load` loads it again.
        """
        self._wanted.clear()
        self._engine = None
        self._set("unloaded", f"{self.model} is not loaded now.")
        await asyncio.to_thread(release_garbage)

    async def _try(self) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()

        def tell(done: float) -> None:
            loop.call_soon_threadsafe(self._tell, done)

        try:
            engine = await _in_own_thread(self._load_blocking, tell)
        except ModelMissing as error:
            self._set("absent", error.message)
            return _MISSING_RETRY_S
        except Exception as error:  # noqa: BLE001 - an engine's load may raise anything; the host stays up and says so
            delay = self._backoff.failed()
            reason = error.message if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
            log.warning("engine_load_failed", model=self.model, reason=reason, retry_in_s=delay)
            self._set("failed", f"{self.model} could not be loaded: {reason} Next try in {delay:.0f} s.")
            return delay
        self._engine = engine
        self._on_ready(engine)
        self._set("ready", "")
        log.info("engine_ready", model=self.model, seconds=round(loop.time() - began, 2))
        return 0.0

    def _load_blocking(self, progress: Progress) -> E:
        self.loads += 1
        engine = self._build()
        engine.load(progress)
        return engine

    def _tell(self, progress: float) -> None:
        if self._state == "loading":
            self._progress = progress
            self._changes.notify()

    def _set(self, state: EngineState, detail: str, progress: float | None = None) -> None:
        self._state, self._detail, self._progress = state, detail, progress
        if state == "loading":
            self._settled.clear()
        else:
            self._settled.set()
        self._changes.notify()


async def _in_own_thread(call: Callable[[Progress], E], progress: Progress) -> E:
    """Runs ``call`` in a daemon thread, so that a load that hangs cannot keep the host from ending."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[E] = loop.create_future()

    def settle(value: E | None, error: BaseException | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        elif value is not None:
            result.set_result(value)

    def work() -> None:
        try:
            value = call(progress)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            loop.call_soon_threadsafe(settle, None, error)
        else:
            loop.call_soon_threadsafe(settle, value, None)

    threading.Thread(target=work, name="load", daemon=True).start()
    return await result
