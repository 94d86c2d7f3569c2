"""Chat by any OpenAI-compatible server: vLLM, Ollama, another AVATAR, or a hosted one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog

from inference.errors import EngineUnavailable
from inference.host.backoff import Backoff
from inference.host.changes import Changes
from inference.host.chat.backend import ChatBody
from inference.types import EngineState, EngineStatus

log = structlog.get_logger(__name__)
_PROBE_S = 15.0
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

    @property
    def context_tokens(self) -> int | None:
        told = self.max_model_len or (self.meta or {}).get("n_ctx")
        return told if isinstance(told, int) and told > 0 else None


class _Models(msgspec.Struct):
    data: list[RemoteModel] = []


class RemoteChat:
    """A server by URL (with or without ``/v1``), its key, and the model to ask it for (empty: its first)."""

    def __init__(self, url: str, api_key: str, model: str, changes: Changes, *, context_tokens: int) -> None:
        self.slots = _SLOTS
        self._base = url.rstrip("/") + ("" if urlsplit(url).path.strip("/") else "/v1")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._model = model
        self._changes = changes
        self._context_tokens = context_tokens
        self._told_context: int | None = None
        self._state: EngineState = "loading"
        self._detail = f"Connecting to {self._base}."
        self._settled = asyncio.Event()
        self._backoff = Backoff(_FIRST_RETRY_S, _PROBE_S)
        self._http: aiohttp.ClientSession | None = None

    @property
    def status(self) -> EngineStatus:
        return EngineStatus(kind="chat", model=self._model, state=self._state, detail=self._detail)

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
        if self._http is None:
            raise EngineUnavailable(self._detail)
        try:
            async with self._http.post(
                f"{self._base}/chat/completions",
                data=msgspec.json.encode(_understood({**body, "model": self._model})),
                headers={"Content-Type": "application/json"},
            ) as response:
                yield response
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EngineUnavailable(
                f"The chat server at {self._base} does not answer ({type(error).__name__})."
            ) from error

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120)
        connector = aiohttp.TCPConnector(limit=_SLOTS + 8, keepalive_timeout=4)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=self._headers) as http:
            self._http = http
            try:
                while True:
                    delay = await self._probe(http)
                    await asyncio.sleep(delay)
            finally:
                self._http = None

    async def _probe(self, http: aiohttp.ClientSession) -> float:
        try:
            async with http.get(
                f"{self._base}/models", timeout=aiohttp.ClientTimeout(total=_PROBE_TIMEOUT_S)
            ) as response:
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

    def _set(self, state: EngineState, detail: str) -> None:
        if (state, detail) != (self._state, self._detail):
            log.info("chat_server", state=state, url=self._base)
        self._state, self._detail = state, detail
        self._settled.set()
        self._changes.notify()


def _understood(body: ChatBody) -> ChatBody:
    """Without what some servers refuse because they do not know it."""
    return {name: value for name, value in body.items() if name != "prompt_cache_key"}
