"""The engines of a host, by URL: `EngineClient` is what web processes and background tasks call.

It speaks OpenAI's HTTP interface with a few fields more, so its chat works with any such server. Importing it is cheap:
nothing numeric is loaded.
"""

import asyncio
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import TracebackType
from typing import Self

import aiohttp
import msgspec

from inference import wire
from inference.errors import EngineError, EngineUnavailable
from inference.types import STT_RATE, ChatDelta, ChatRequest, HostStatus, Transcript

_CONNECT_TRIES = 3
_CONNECT_RETRY_S = 0.1
_CONNECT_TIMEOUT_S = 3.0
_SILENCE_TIMEOUT_S = 130.0
"""Longest pause within an answer; the host gives up on its engines earlier."""
_CALL_TIMEOUT_S = 90.0
_STATUS_TIMEOUT_S = 5.0
_TURN_TIMEOUT_S = 2.0
_HEARTBEAT_TIMEOUT_S = 15.0
_KEEPALIVE_S = 30.0
_CONNECTIONS = 256


class HeldLease:
    """A place on the host; `lost` turns true when the host goes away."""

    def __init__(self, lease: str) -> None:
        self.id = lease
        self._ended = asyncio.Event()

    @property
    def lost(self) -> bool:
        return self._ended.is_set()

    async def wait_lost(self) -> None:
        """Returns when the place has been lost."""
        await self._ended.wait()

    def end(self) -> None:
        self._ended.set()


class EngineClient:
    """Implements `inference.ports.Engines`. Of one event loop; holds one pool of connections until `close`.

    ``url``: ``unix:/path/to.sock`` or ``http://host:port`` (of an AVATAR host, or for chat of any OpenAI-compatible
    server, with or without ``/v1``).
    """

    def __init__(self, url: str, *, api_key: str = "") -> None:
        self.url = url
        self._socket = url.removeprefix("unix:") if url.startswith("unix:") else None
        self._base = "http://engine-host" if self._socket else url.rstrip("/").removesuffix("/v1")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends all connections, and with them all work."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def transcribe(
        self,
        pcm: bytes,
        *,
        language: str | None = None,
        prompt: str | None = None,
        model: str | None = None,
        words: bool = False,
        due_in_s: float = 0.0,
    ) -> Transcript:
        """pcm: PCM16 mono at `STT_RATE`. ``language`` is a BCP-47 tag; None detects it."""
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("file", _wav(pcm), filename="speech.wav", content_type="audio/wav")
        form.add_field("response_format", "verbose_json")
        for name, value in (("model", model), ("language", language), ("prompt", prompt)):
            if value:
                form.add_field(name, value)
        if words:
            form.add_field("timestamp_granularities[]", "word")
        return wire.read_transcript(await self._whole("POST", "/v1/audio/transcriptions", due_in_s, data=form))

    async def chat(self, request: ChatRequest, *, due_in_s: float = 0.0) -> AsyncGenerator[ChatDelta]:
        """Streams the answer; closing the iterator stops the generation."""
        body = wire.chat_body(request, stream=True)
        finished = False
        async with await self._open("POST", "/v1/chat/completions", due_in_s, data=body) as response:
            with _broken_off():
                async for event in wire.events(response.content.iter_any()):
                    delta = wire.read_delta(event)
                    finished = finished or delta.finish_reason is not None
                    if delta != _NOTHING:
                        yield delta
        if not finished:
            raise EngineUnavailable("The chat server ended its answer too early.")

    async def complete(self, request: ChatRequest, *, due_in_s: float = 0.0) -> ChatDelta:
        """The whole answer at once."""
        body = wire.chat_body(request, stream=False)
        return wire.read_completion(await self._whole("POST", "/v1/chat/completions", due_in_s, data=body))

    async def speak(
        self, text: str, *, voice: str, language: str, speed: float = 1.0, due_in_s: float = 0.0
    ) -> AsyncGenerator[bytes]:
        """Streams PCM16 mono at `WIRE_RATE`, in whole samples; closing the iterator stops the synthesis."""
        body = {"input": text, "voice": voice, "language": language, "speed": speed, "response_format": "pcm"}
        data = msgspec.json.encode(body)
        async with await self._open("POST", "/v1/audio/speech", due_in_s, data=data) as response:
            odd = b""
            with _broken_off():
                async for chunk in response.content.iter_any():
                    sound = odd + chunk
                    even = len(sound) & ~1
                    odd = sound[even:]
                    if even:
                        yield sound[:even]

    async def end_of_turn(self, pcm: bytes) -> float:
        """Probability (0..1) that the speaker has finished; pcm: the utterance's last 8 s at most, at `STT_RATE`."""
        return wire.read_probability(
            await self._whole("POST", "/v1/audio/turn", 0.0, data=pcm, timeout_s=_TURN_TIMEOUT_S)
        )

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[HeldLease]:
        """Takes a session's place for the block; raises `ServerFull` at once when there is none."""
        async with await self._open("POST", "/v1/leases", 0.0) as response:
            with _broken_off():
                async with asyncio.timeout(_STATUS_TIMEOUT_S):
                    held = HeldLease(wire.read_lease(await response.content.readline()))
            watch = asyncio.create_task(_watch(response, held), name=f"lease {held.id}")
            try:
                yield held
            finally:
                watch.cancel()
                with suppress(asyncio.CancelledError):
                    await watch
                response.close()  # hanging up, not reading to the end, is what frees the place

    async def status(self) -> HostStatus:
        """The host's state; raises `EngineUnavailable` when it does not answer."""
        return wire.read_status(await self._whole("GET", "/health", 0.0, timeout_s=_STATUS_TIMEOUT_S, tries=1))

    async def watch_status(self) -> AsyncGenerator[HostStatus]:
        """The host's state now and after every change; raises `EngineUnavailable` when the host goes away."""
        async with await self._open("GET", "/health/stream", 0.0, tries=1) as response:
            with _broken_off():
                while True:
                    async with asyncio.timeout(_HEARTBEAT_TIMEOUT_S):
                        line = await response.content.readline()
                    if not line:
                        raise EngineUnavailable("The engine host has gone away.")
                    yield wire.read_status(line)

    async def _whole(
        self,
        method: str,
        path: str,
        due_in_s: float,
        *,
        data: aiohttp.FormData | bytes | None = None,
        timeout_s: float = _CALL_TIMEOUT_S,
        tries: int = _CONNECT_TRIES,
    ) -> bytes:
        """The whole body of the answer, within ``timeout_s``."""
        with _broken_off():
            async with asyncio.timeout(timeout_s):
                opened = self._open(method, path, due_in_s, data=data, expires_in_s=timeout_s, tries=tries)
                async with await opened as response:
                    return await response.read()

    async def _open(
        self,
        method: str,
        path: str,
        due_in_s: float,
        *,
        data: aiohttp.FormData | bytes | None = None,
        expires_in_s: float | None = None,
        tries: int = _CONNECT_TRIES,
    ) -> aiohttp.ClientResponse:
        """Sends a request; the response, when it succeeded. Leaving the response's block early hangs up."""
        headers = {wire.DUE_HEADER: f"{due_in_s * 1000:.0f}"}
        if isinstance(data, bytes):
            headers["Content-Type"] = "application/json" if data[:1] == b"{" else "application/octet-stream"
        if expires_in_s is not None:
            headers[wire.EXPIRES_HEADER] = f"{expires_in_s * 1000:.0f}"
        for left in reversed(range(tries)):
            try:
                response = await self._session().request(method, self._base + path, data=data, headers=headers)
            except aiohttp.ClientConnectorError as error:  # nothing was sent: trying again repeats nothing
                if not left:
                    raise EngineUnavailable(f"No engine host answers at {self.url}. Is it running?") from error
                await asyncio.sleep(_CONNECT_RETRY_S)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise _hung_up(error) from error
            else:
                break
        if response.status < 400:
            return response
        async with response:
            with _broken_off():
                raise wire.read_error(response.status, await response.read())

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            connector: aiohttp.BaseConnector
            if self._socket:
                connector = aiohttp.UnixConnector(self._socket, limit=_CONNECTIONS, keepalive_timeout=_KEEPALIVE_S)
            else:
                connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEEPALIVE_S)
            self._http = aiohttp.ClientSession(connector=connector, headers=self._headers, timeout=_TIMEOUT)
        return self._http


_NOTHING = ChatDelta()
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_SILENCE_TIMEOUT_S)


@contextmanager
def _broken_off() -> Iterator[None]:
    """What goes wrong while an answer is read, as `EngineUnavailable`."""
    try:
        yield
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise _hung_up(error) from error


def _hung_up(error: Exception) -> EngineUnavailable:
    if isinstance(error, TimeoutError):
        return EngineUnavailable("The engine host took too long to answer.")
    return EngineUnavailable("The engine host hung up; it may be restarting.")


async def _watch(response: aiohttp.ClientResponse, lease: HeldLease) -> None:
    """Reads heartbeats until there are none."""
    try:
        while True:
            async with asyncio.timeout(_HEARTBEAT_TIMEOUT_S):
                if not await response.content.readline():
                    return
    except (aiohttp.ClientError, OSError, TimeoutError):
        return
    finally:
        lease.end()


def _wav(pcm: bytes) -> bytes:
    """PCM16 mono at `STT_RATE` as a WAV file."""
    if len(pcm) % 2:
        raise EngineError("PCM16 has two bytes a sample; an odd number was given.", permanent=True)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, STT_RATE, STT_RATE * 2, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + len(pcm), b"WAVE") + form + struct.pack("<4sI", b"data", len(pcm)) + pcm
