"""The embedded chat model: llama.cpp's server in a child process that is watched and started again."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import msgspec
import structlog

from inference.engines.llama_server import LlamaOptions
from inference.errors import EngineError, EngineUnavailable
from inference.host.backoff import Backoff
from inference.host.changes import Changes
from inference.host.chat.affinity import Slots
from inference.host.chat.backend import ChatBody, without_running_usage
from inference.host.chat.figures import ServerTotals
from inference.host.chat.process import LlamaProcess
from inference.types import EngineState, EngineStatus

log = structlog.get_logger(__name__)
_TRIES_BEFORE_FAILED = 3
_FIRST_RETRY_S = 0.2
_LONGEST_RETRY_S = 60.0
_MISSING_RETRY_S = 3.0
_POLL_S = 0.02
_LOAD_TIMEOUT_S = 300.0
_STEADY_S = 30.0
"""A server that lived this long has not been dying at its start."""
_WAIT_S = 60.0
_URL = "http://llama/v1/chat/completions"
_CHOICE_S = 3.0
_FEWEST_FAILED_S = 15.0
"""Between two tries at a model that keeps dying."""


class EmbeddedModel(msgspec.Struct, frozen=True):
    """What to serve, as the catalogue says now."""

    name: str
    file: Path
    languages: tuple[str, ...]
    memory_bytes: int


class EmbeddedChat:
    """Supervises the child. ``find_model`` is asked before each start, so a newly chosen model is taken up then."""

    def __init__(
        self,
        find_model: Callable[[], EmbeddedModel],
        socket: Path,
        changes: Changes,
        *,
        slots: int,
        context_tokens: int,
        threads: int,
        cache_mb: int,
    ) -> None:
        self.slots = slots
        self.totals: ServerTotals | None = None
        self.context_tokens = context_tokens
        self._find_model = find_model
        self._socket = socket
        self._changes = changes
        self._threads = threads
        self._cache_mb = cache_mb
        self._model: EmbeddedModel | None = None
        self._state: EngineState = "loading"
        self._detail = "Waits to be loaded."
        self._settled = asyncio.Event()
        self._affinity = Slots(slots)
        self._backoff = Backoff(_FIRST_RETRY_S, _LONGEST_RETRY_S)
        self._http: aiohttp.ClientSession | None = None
        self._replaced = False
        self._process: LlamaProcess | None = None

    @property
    def pids(self) -> tuple[int, ...]:
        """Its process now, for measuring."""
        return (self._process.pid,) if self._process else ()

    def restart(self) -> None:
        """Ends this life of the server; the next begins at once."""
        if self._process is not None:
            self._replaced = True
            self._set("loading", "The chat model is being started again.")
            self._process.kill()

    @property
    def status(self) -> EngineStatus:
        model = self._model
        return EngineStatus(
            kind="chat",
            engine="llama.cpp",
            model=model.name if model else "",
            state=self._state,
            languages=model.languages if model else (),
            detail=self._detail,
            memory_bytes=model.memory_bytes if model else 0,
        )

    async def get_ready(self) -> None:
        if self._state != "ready":
            try:
                async with asyncio.timeout(_WAIT_S):
                    await self._settled.wait()
            except TimeoutError:
                raise EngineUnavailable("The chat model is still loading. Try again shortly.") from None
        if self._state != "ready":
            raise EngineUnavailable(self._detail)

    def forces_calls(self) -> bool:
        return True

    @asynccontextmanager
    async def post(self, body: ChatBody) -> AsyncIterator[aiohttp.ClientResponse]:
        body, running = without_running_usage(body)
        body = {**body, "timings_per_token": True} if running else dict(body)
        owner = str(body.pop("prompt_cache_key", ""))
        with self._affinity.take(body.get("messages") or (), owner) as slot:
            sent = msgspec.json.encode(body if slot is None else {**body, "id_slot": slot})
            try:
                async with await self._send(sent) as response:
                    yield response
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise EngineUnavailable(
                    "The chat model's process ended in the middle of the answer; it is being started again."
                ) from error

    async def _send(self, body: bytes) -> aiohttp.ClientResponse:
        if self._http is None:
            raise EngineUnavailable(self._detail)
        send = functools.partial(
            self._http.post, _URL, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False
        )
        try:
            return await send()
        except aiohttp.ClientConnectorError:
            # The process has died and its end has not been noticed yet; nothing was sent, so this is no repetition.
            if self._state == "ready":
                self._set("loading", "The chat model is being started again.")
            await self.get_ready()
            return await send()

    async def run(self) -> None:
        # A new connection each time: over a Unix socket it takes microseconds, and llama.cpp closes idle ones.
        connector = aiohttp.UnixConnector(path=str(self._socket), force_close=True)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            self._http = http
            try:
                while True:
                    delay = await self._live_once()
                    await asyncio.sleep(delay)
            finally:
                self._http = None
                self._socket.unlink(missing_ok=True)

    async def _live_once(self) -> float:
        """One life of the child; how long to wait before the next, in seconds."""
        try:
            self._model = await asyncio.to_thread(self._find_model)
        except EngineError as error:
            self._set("absent", error.message)
            return _MISSING_RETRY_S
        if self._backoff.failures < _TRIES_BEFORE_FAILED:
            self._set("loading", f"Loading {self._model.name}.")
        self._socket.unlink(missing_ok=True)
        self._affinity.forget()
        self._replaced = False
        process = await LlamaProcess.start(self._options(self._model), self._socket.parent / "lib")
        self._process = process
        tasks = [
            asyncio.create_task(self._announce(process), name="llama-ready"),
            asyncio.create_task(self._watch_choice(process), name="llama-choice"),
        ]
        try:
            how = await process.wait()
        finally:
            self._process = None
            for task in tasks:
                task.cancel()
            await process.end()
        return 0.0 if self._replaced else self._died(how, process)

    def _options(self, model: EmbeddedModel) -> LlamaOptions:
        return LlamaOptions(
            model=str(model.file),
            alias=model.name,
            socket=str(self._socket),
            slots=self.slots,
            context_per_slot=self.context_tokens,
            threads=self._threads,
            cache_mb=self._cache_mb,
        )

    async def _announce(self, process: LlamaProcess) -> None:
        """Says ready once the server has loaded its model; one that never does is killed."""
        try:
            async with asyncio.timeout(_LOAD_TIMEOUT_S):
                while not await self._answers():  # noqa: ASYNC110 - another process has no event to wait on
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            process.kill()
            return
        process.stop_listening()
        self._set("ready", "")
        log.info("engine_ready", model=self._model.name if self._model else "", pid=process.pid)
        await asyncio.sleep(_STEADY_S)
        self._backoff.reset()

    async def _watch_choice(self, process: LlamaProcess) -> None:
        """Ends the server, between answers, when another model has been chosen; the next life serves that one."""
        while True:
            await asyncio.sleep(_CHOICE_S)
            with suppress(EngineError):
                chosen = await asyncio.to_thread(self._find_model)
                if chosen != self._model and not self._affinity.busy:
                    self._replaced = True
                    self._set("loading", f"Loading {chosen.name}.")
                    process.kill()
                    return

    async def _answers(self) -> bool:
        if self._http is None:
            return False
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with self._http.get("http://llama/health") as response:
                return response.status == 200
        return False

    def _died(self, how: str, process: LlamaProcess) -> float:
        model = self._model
        assert model is not None
        delay = self._backoff.failed()
        log.warning("chat_process_died", model=model.name, how=how, retry_in_s=delay)
        if self._backoff.failures < _TRIES_BEFORE_FAILED:
            self._set("loading", f"{model.name} ended ({how}); it is being started again.")
            return delay
        self._set(
            "failed",
            f"llama.cpp keeps ending ({how}) with {model.file}. The file may be damaged or of an unknown kind: check "
            f"it with `manage.py models verify {model.name}`, pull it again, or choose another. {process.complaint}",
        )
        return max(delay, _FEWEST_FAILED_S)

    def _set(self, state: EngineState, detail: str) -> None:
        self._state, self._detail = state, detail
        if state == "loading":
            self._settled.clear()
        else:
            self._settled.set()
        self._changes.notify()
