"""A speech server by URL: vllm-omni (which clones), another AVATAR, or any that speaks OpenAI's /v1/audio/speech."""

import asyncio
import base64
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog

from inference.audio.resample import Resampler
from inference.audio.wav import encode_wav
from inference.engine_settings import SpeechServer
from inference.errors import EngineError, EngineRefused, EngineUnavailable
from inference.host.backoff import Backoff
from inference.host.changes import Changes
from inference.host.speech.eagerly import eagerly
from inference.host.speech.server_answers import Models, Voices, voices_of
from inference.host.speech.speaker import SpeechAsk
from inference.types import WIRE_RATE, EngineState, EngineStatus, VoiceInfo
from inference.wire_errors import read_error

log = structlog.get_logger(__name__)
T = TypeVar("T")
_PROBE_S = 15.0
_PROBE_TIMEOUT_S = 5.0
_FIRST_RETRY_S = 0.5
_SILENCE_S = 30.0
_MOST_ERROR_BYTES = 65_536
_MOST_LIST_BYTES = 1024 * 1024
_MOST_ANSWER_BYTES = 10 * 60 * WIRE_RATE * 2
_CONNECTIONS = 64
_RATE = re.compile(r"rate=(\d{4,6})\b")


class ServerSpeaker:
    """See `inference.host.speech.speaker.Speaker`. The server is asked for raw PCM as it is made.

    OpenAI's ``pcm`` is 24 kHz; another rate is taken from the answer's ``Content-Type`` (``audio/pcm; rate=44100``).
    vllm-omni gets ``ref_audio`` (a data URL), ``ref_text`` and ``task_type``; its streams know no other speed than 1.
    """

    def __init__(
        self, settings: SpeechServer, changes: Changes, *, variable: str, silence_s: float = _SILENCE_S
    ) -> None:
        url = settings.url
        self.engine = "vllm-omni" if settings.omni else "url"
        self.last_used = 0.0
        self.busy = 0
        self._omni = settings.omni
        self._base = url.rstrip("/") + ("" if urlsplit(url).path.strip("/") else "/v1")
        self._headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
        self._variable = variable
        self._model = settings.model
        self._changes = changes
        self._state: EngineState = "loading"
        self._detail = f"Connecting to {self._base}."
        self._voices: tuple[VoiceInfo, ...] = ()
        self._backoff = Backoff(_FIRST_RETRY_S, _PROBE_S)
        self._silence_s = silence_s
        self._http: aiohttp.ClientSession | None = None

    @property
    def status(self) -> EngineStatus:
        model = self._model or self.engine
        return EngineStatus(kind="tts", engine=self.engine, model=model, state=self._state, detail=self._detail)

    @property
    def voices(self) -> tuple[VoiceInfo, ...]:
        return self._voices if self._state == "ready" else ()

    def clones(self, language: str) -> bool:
        """vllm-omni does, in whatever languages its model has: it does not say which."""
        return self._omni

    async def load(self) -> None:
        """It is loaded."""

    async def forget(self, reference_id: str) -> None:
        """References go along with each request; the server was told to keep none."""

    async def speak(self, ask: SpeechAsk) -> AsyncGenerator[bytes]:
        if ask.reference is not None and not self._omni:
            raise EngineRefused(f"The speech server at {self._base} is not known to clone voices.")
        pieces = eagerly(self._sound(self._body(ask)))
        try:
            async for piece in pieces:
                yield piece
        finally:
            await pieces.aclose()

    def _body(self, ask: SpeechAsk) -> bytes:
        body: dict[str, Any] = {"model": self._model, "input": ask.text, "response_format": "pcm"}
        body["stream_format"] = "audio"
        if ask.instructions:
            body["instructions"] = ask.instructions
        if ask.reference is not None:
            sound = base64.b64encode(encode_wav(ask.reference.pcm, rate=WIRE_RATE)).decode()
            body |= {"ref_audio": f"data:audio/wav;base64,{sound}", "ref_text": ask.reference.transcript}
            body |= {"task_type": "Base", "stream": True}
        else:
            body |= {"voice": ask.voice, "speed": ask.speed}
            if self._omni:
                body |= {"speed": 1.0, "stream": True}
        return msgspec.json.encode(body)

    async def _sound(self, body: bytes) -> AsyncGenerator[bytes]:
        if self._http is None or self._state != "ready":
            raise EngineUnavailable(self._detail)
        self.last_used = asyncio.get_running_loop().time()
        self.busy += 1
        try:
            url = f"{self._base}/audio/speech"
            async with self._http.post(url, data=body, headers=_JSON, allow_redirects=False) as response:
                if response.status != 200:
                    raise self._refusal(response.status, await response.content.read(_MOST_ERROR_BYTES))
                empty = True
                async for piece in _pcm(response):
                    empty = False
                    yield piece
            if empty:
                raise EngineUnavailable(f"The speech server at {self._base} answered without a sound.")
        except TimeoutError:
            message = f"The speech server at {self._base} took too long."
            self._set("failed", message)  # until the next look at it
            raise EngineUnavailable(message) from None
        except (aiohttp.ClientError, OSError) as error:
            message = f"The speech server at {self._base} broke off ({type(error).__name__})."
            raise EngineUnavailable(message) from None
        finally:
            self.busy -= 1

    def _refusal(self, status: int, body: bytes) -> EngineError:
        if status in (401, 403):
            return EngineUnavailable(f"The speech server refuses the key. Check {self._variable}_API_KEY.")
        if 300 <= status < 400:  # somebody's voice goes where the operator said, and nowhere else
            message = f"The speech server at {self._base} sends us on to another address. Check {self._variable}."
            self._set("failed", message)  # until the next look at it
            return EngineUnavailable(message)
        return read_error(status, body)

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=self._silence_s)
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=4)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=self._headers) as http:
            self._http = http
            try:
                while True:
                    delay = await self._probe(http)
                    await asyncio.sleep(delay)
            finally:
                self._http = None

    async def _probe(self, http: aiohttp.ClientSession) -> float:
        """Looks whether it is there, and what it has; how long until the next look."""
        try:
            models = await self._get(http, "/models", Models)
            if models is not None and not self._model and models.data:
                self._model = models.data[0].id
            voices = await self._get(http, "/audio/voices", Voices)
        except EngineError as error:
            self._set("failed", error.message)
            return _PROBE_S
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            reason = type(error).__name__
            self._set(
                "failed", f"The speech server at {self._base} does not answer ({reason}). Check {self._variable}."
            )
            return self._backoff.failed()
        self._backoff.reset()
        self._voices = voices_of(voices, self._model, self.engine)
        self._set("ready", "")
        return _PROBE_S

    async def _get(self, http: aiohttp.ClientSession, path: str, kind: type[T]) -> T | None:
        """None when the server has no such address, or answers something else."""
        timeout = aiohttp.ClientTimeout(total=_PROBE_TIMEOUT_S)
        async with http.get(self._base + path, timeout=timeout, allow_redirects=False) as response:
            if response.status in (401, 403):
                raise self._refusal(response.status, b"")
            if response.status >= 500:
                raise aiohttp.ClientError(f"status {response.status}")
            if response.status != 200:
                return None
            try:
                return msgspec.json.decode(await response.content.read(_MOST_LIST_BYTES), type=kind)
            except msgspec.MsgspecError:
                return None

    def _set(self, state: EngineState, detail: str) -> None:
        if (state, detail) != (self._state, self._detail):
            log.info("speech_server", state=state, url=self._base)
            self._state, self._detail = state, detail
            self._changes.notify()


_JSON = {"Content-Type": "application/json"}


async def _pcm(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Whole samples at WIRE_RATE; raises `EngineUnavailable` for what is no PCM, or has no end."""
    kind = response.headers.get("Content-Type", "")
    if kind.startswith(("application/json", "text/")):
        raise EngineUnavailable(f"The speech server answered {kind.partition(';')[0]} instead of sound.")
    told = _RATE.search(kind)
    resampler = Resampler(int(told.group(1)) if told else WIRE_RATE, WIRE_RATE)
    taken = 0
    async for chunk in response.content.iter_any():
        taken += len(chunk)
        if taken > _MOST_ANSWER_BYTES:
            raise EngineUnavailable("The speech server does not stop speaking.")
        if pcm := resampler.feed(chunk):
            yield pcm
    if pcm := resampler.feed(b"", last=True):
        yield pcm
