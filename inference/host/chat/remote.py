"""Chat by any OpenAI-compatible server: vLLM, Ollama, another AVATAR, or a hosted one."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog

from inference.errors import EngineUnavailable
from inference.host.backoff import Backoff
from inference.host.changes import Changes
from inference.host.chat.backend import ChatBody, without_running_usage
from inference.host.chat.figures import ServerTotals, read_totals
from inference.types import ChatFigures, EngineState, EngineStatus

log = structlog.get_logger(__name__)
_PROBE_S = 15.0
_FIGURES_S = 5.0
"""How often a server that tells figures of itself is asked for them."""
_PROBE_TIMEOUT_S = 5.0
_FIRST_RETRY_S = 0.5
_WAIT_S = 5.0
_SLOTS = 64
_UNTOLD_CONTEXT = 8192


class RemoteModel(msgspec.Struct, frozen=True):
    """One of ``GET /models``; vLLM says ``max_model_len``, llama.cpp ``meta.n_ctx``."""

    id: str
    max_model_len: int | None = None
    meta: dict[str, Any] | None = None
    owned_by: str = ""

    @property
    def context_tokens(self) -> int | None:
        told = self.max_model_len or (self.meta or {}).get("n_ctx")
        return told if isinstance(told, int) and told > 0 else None


class _Models(msgspec.Struct):
    data: list[RemoteModel] = []


class RemoteChat:
    """A server by URL (with or without ``/v1``), its key, and the model to ask it for (empty: its first)."""

    def __init__(
        self,
        url: str,
        api_key: str,
        model: str,
        changes: Changes,
        *,
        context_tokens: int,
        connector: Callable[[], aiohttp.BaseConnector] | None = None,
    ) -> None:
        self.slots = _SLOTS
        self.totals: ServerTotals | None = None
        """What it last told of itself; None when it is no vLLM server."""
        self._base = url.rstrip("/") + ("" if urlsplit(url).path.strip("/") else "/v1")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._model = model
        self._changes = changes
        self._context_tokens = context_tokens
        self._told_context: int | None = None
        self._state: EngineState = "loading"
        self._detail = f"Connecting to {self._base}."
        self._settled = asyncio.Event()
        self._again = asyncio.Event()
        self._connector = connector or _tcp
        self._figures: ChatFigures | None = None
        self._is_vllm = False
        self._backoff = Backoff(_FIRST_RETRY_S, _PROBE_S)
        self._http: aiohttp.ClientSession | None = None

    @property
    def status(self) -> EngineStatus:
        return EngineStatus(
            kind="chat", model=self._model, state=self._state, detail=self._detail, figures=self._figures
        )

    @property
    def context_tokens(self) -> int:
        return self._context_tokens or self._told_context or _UNTOLD_CONTEXT

    async def get_ready(self) -> None:
        if not self._settled.is_set():
            try:
                async with asyncio.timeout(_WAIT_S):
                    await self._settled.wait()
            except TimeoutError:
                raise EngineUnavailable(self._detail) from None
        if self._state != "ready":
            raise EngineUnavailable(self._detail)

    def forces_calls(self) -> bool:
        return False

    @asynccontextmanager
    async def post(self, body: ChatBody) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with await self._send(body) as response:
                yield response
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EngineUnavailable(
                f"The chat server at {self._base} does not answer ({type(error).__name__})."
            ) from error

    def look_again(self) -> None:
        """Something has changed at the server: it counts as connecting until it has been asked anew."""
        self._state, self._detail = "loading", f"Connecting to {self._base}."
        self._settled.clear()
        self._backoff.reset()
        self._again.set()

    async def _send(self, body: ChatBody) -> aiohttp.ClientResponse:
        if self._http is None:
            raise EngineUnavailable(self._detail)
        send = functools.partial(
            self._http.post,
            f"{self._base}/chat/completions",
            headers={"Content-Type": "application/json"},
            allow_redirects=False,  # what people say goes where the operator said, and nowhere else
        )
        try:
            return await send(data=self._encoded(body))
        except aiohttp.ClientConnectorError:
            if not await self._refused():
                raise
            return await send(data=self._encoded(body))

    async def _refused(self) -> bool:
        """A connection was refused, and nothing was sent: whether trying once more is worth it."""
        return False

    def _encoded(self, body: ChatBody) -> bytes:
        understood = _understood({**body, "model": self._model})
        return msgspec.json.encode(_strict(understood) if self._is_vllm else without_running_usage(understood)[0])

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120)
        async with aiohttp.ClientSession(connector=self._connector(), timeout=timeout, headers=self._headers) as http:
            self._http = http
            try:
                while True:
                    self._again.clear()
                    delay = await self._probe(http)
                    if self._is_vllm and self._state == "ready":
                        await self._ask_figures(http)
                        delay = _FIGURES_S
                    with suppress(TimeoutError):
                        async with asyncio.timeout(delay):
                            await self._again.wait()
            finally:
                self._http = None

    async def _probe(self, http: aiohttp.ClientSession) -> float:
        try:
            async with http.get(
                f"{self._base}/models",
                timeout=aiohttp.ClientTimeout(total=_PROBE_TIMEOUT_S),
                allow_redirects=False,
            ) as response:
                if 300 <= response.status < 400:
                    message = f"The chat server at {self._base} sends us on to another address. Check AVATAR_CHAT_URL."
                    self._set("failed", message)
                    return _PROBE_S
                if response.status in (401, 403):
                    self._set("failed", f"{self._base} refuses the key. Check AVATAR_CHAT_API_KEY.")
                    return _PROBE_S
                if response.status == 200:
                    self._learn(msgspec.json.decode(await response.read(), type=_Models))
                elif response.status >= 500:
                    raise aiohttp.ClientError(f"status {response.status}")
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            reason = type(error).__name__
            self._set("failed", f"The chat server at {self._base} does not answer ({reason}). Check AVATAR_CHAT_URL.")
            return self._backoff.failed()
        self._backoff.reset()
        self._set("ready", "")
        return _PROBE_S

    def _learn(self, models: _Models) -> None:
        named = next((model for model in models.data if model.id == self._model), None)
        if named is None and models.data and not self._model:
            named = models.data[0]
            self._model = named.id
        if named is not None:
            self._told_context = named.context_tokens
            self._is_vllm = named.owned_by == "vllm"

    async def _ask_figures(self, http: aiohttp.ClientSession) -> None:
        """Reads /metrics beside /v1; a proxy that does not pass it on leaves the figures unknown."""
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            timeout = aiohttp.ClientTimeout(total=_PROBE_TIMEOUT_S)
            async with http.get(f"{self._base.removesuffix('/v1')}/metrics", timeout=timeout) as response:
                totals = read_totals(await response.text()) if response.status == 200 else None
            if totals is not None:
                self._figures = totals.figures(self.totals or ServerTotals())
                self.totals = totals

    def _set(self, state: EngineState, detail: str) -> None:
        if (state, detail) != (self._state, self._detail):
            log.info("chat_server", state=state, url=self._base)
        self._state, self._detail = state, detail
        self._settled.set()
        self._changes.notify()


def _tcp() -> aiohttp.BaseConnector:
    return aiohttp.TCPConnector(limit=_SLOTS + 8, keepalive_timeout=4)


def _understood(body: ChatBody) -> ChatBody:
    """Without what some servers refuse because they do not know it."""
    return {name: value for name, value in body.items() if name != "prompt_cache_key"}


def _strict(body: ChatBody) -> ChatBody:
    """A function that has to be called gets arguments as its schema says: vLLM holds them to it only when told to."""
    if body.get("tool_choice") in (None, "auto", "none"):
        return body
    tools = [
        {**tool, "function": {"strict": True, **tool["function"]}}
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict)
        else tool
        for tool in body.get("tools") or ()
    ]
    return {**body, "tools": tools}
