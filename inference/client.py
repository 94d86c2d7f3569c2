"""The engines of a host, by URL: `EngineClient` is what web processes and background tasks call.

It speaks OpenAI's HTTP interface with a few fields more, so its chat works with any such server. Importing it is cheap:
nothing numeric is loaded.
"""

import asyncio
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Self, Unpack
from urllib.parse import quote

import aiohttp
import msgspec

from inference import wire, wire_chat
from inference.errors import EngineError, EngineUnavailable, ReferenceUnknown
from inference.leasing import HeldLease, leased
from inference.ports import HearingWish, SpeechWish
from inference.transport import Transport, broken_off
from inference.types import (
    STT_RATE,
    ChatDelta,
    ChatRequest,
    HostStatus,
    MemoryStatus,
    Queued,
    Transcript,
    WatermarkFound,
)
from inference.wire_speech import read_made, read_watermark, speech_body

_STATUS_TIMEOUT_S = 5.0
_TURN_TIMEOUT_S = 2.0
_HEARTBEAT_TIMEOUT_S = 15.0
_DETECT_TIMEOUT_S = 120.0


class SpeechAnswer:
    """What the host says: ``made`` tells who speaks, iterating gives PCM16 mono at `WIRE_RATE` in whole samples."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.made = read_made(response.headers)
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        odd = b""
        with broken_off():
            async for chunk in self._response.content.iter_any():
                sound = odd + chunk
                even = len(sound) & ~1
                odd = sound[even:]
                if even:
                    yield sound[:even]


class EngineClient:
    """Implements `inference.ports.Engines`. Of one event loop; holds one pool of connections until `close`.

    ``url``: ``unix:/path/to.sock`` or ``http://host:port`` (of an AVATAR host, or for chat of any OpenAI-compatible
    server, with or without ``/v1``).
    """

    def __init__(self, url: str, *, api_key: str = "") -> None:
        self.url = url
        self._transport = Transport(url, api_key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends all connections, and with them all work."""
        await self._transport.close()

    async def transcribe(self, pcm: bytes, *, due_in_s: float = 0.0, **wish: Unpack[HearingWish]) -> Transcript:
        """pcm: PCM16 mono at `STT_RATE`."""
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("file", _wav(pcm), filename="speech.wav", content_type="audio/wav")
        form.add_field("response_format", "verbose_json")
        for name in ("model", "language", "prompt"):
            if value := wish.get(name):
                form.add_field(name, value)
        if wish.get("words"):
            form.add_field("timestamp_granularities[]", "word")
        return wire.read_transcript(
            await self._transport.whole("POST", "/v1/audio/transcriptions", due_in_s, data=form)
        )

    async def chat(self, request: ChatRequest, *, due_in_s: float = 0.0) -> AsyncGenerator[ChatDelta]:
        """Streams the answer; closing the iterator stops the generation.

        Its tokens are told as they are counted where the chat server can, else with the last step.
        """
        body = wire_chat.chat_body(request, stream=True)
        finished = False
        opened = self._transport.open("POST", "/v1/chat/completions", due_in_s, data=body, headers=_RUNNING_USAGE)
        async with await opened as response:
            with broken_off():
                async for event in wire.events(response.content.iter_any()):
                    delta = wire_chat.read_delta(event)
                    finished = finished or delta.finish_reason is not None
                    if delta != _NOTHING:
                        yield delta
        if not finished:
            raise EngineUnavailable("The chat server ended its answer too early.")

    async def complete(self, request: ChatRequest, *, due_in_s: float = 0.0) -> ChatDelta:
        """The whole answer at once."""
        body = wire_chat.chat_body(request, stream=False)
        return wire_chat.read_completion(
            await self._transport.whole("POST", "/v1/chat/completions", due_in_s, data=body)
        )

    @asynccontextmanager
    async def speech(
        self, text: str, *, due_in_s: float = 0.0, **wish: Unpack[SpeechWish]
    ) -> AsyncIterator[SpeechAnswer]:
        """Who speaks, and the sound; leaving the block stops the synthesis.

        Raises `VoiceStopped` for a reference that was forgotten; one that is being spoken then breaks off.
        """
        body, reference = speech_body(text, wish), wish.get("reference")
        try:
            response = await self._transport.open("POST", "/v1/audio/speech", due_in_s, data=body)
        except ReferenceUnknown:
            if reference is None:
                raise
            await self._transport.whole("PUT", _reference_path(reference.id), 0.0, data=msgspec.json.encode(reference))
            response = await self._transport.open("POST", "/v1/audio/speech", due_in_s, data=body)
        async with response:
            yield SpeechAnswer(response)

    async def speak(self, text: str, *, due_in_s: float = 0.0, **wish: Unpack[SpeechWish]) -> AsyncGenerator[bytes]:
        """`speech` without who speaks: PCM16 mono at `WIRE_RATE`, in whole samples, until the iterator is closed."""
        async with self.speech(text, due_in_s=due_in_s, **wish) as speech:
            async for pcm in speech:
                yield pcm

    async def forget_reference(self, reference_id: str) -> None:
        """Stops at once whatever is being said with this reference, and bars it from now on."""
        await self._transport.whole("DELETE", _reference_path(reference_id), 0.0, timeout_s=_STATUS_TIMEOUT_S)

    async def end_of_turn(self, pcm: bytes) -> float:
        """Probability (0..1) that the speaker has finished; pcm: the utterance's last 8 s at most, at `STT_RATE`."""
        return wire.read_probability(
            await self._transport.whole("POST", "/v1/audio/turn", 0.0, data=pcm, timeout_s=_TURN_TIMEOUT_S)
        )

    async def embed(self, pcm: bytes, *, due_in_s: float = 0.0) -> tuple[float, ...]:
        """Who speaks, as `EMBEDDING_SIZE` numbers of L2 norm 1; `inference.speaker` compares two.

        pcm: PCM16 mono at `STT_RATE`, at most a minute. Raises `AudioRefused` when there is hardly any speech in it.
        """
        return wire.read_embedding(await self._transport.whole("POST", "/v1/audio/embedding", due_in_s, data=pcm))

    def lease(self, *, queued: Callable[[Queued], None] | None = None) -> AbstractAsyncContextManager[HeldLease]:
        """Takes a session's place for the block; raises `ServerFull` at once when there is none.

        With ``queued`` the session waits where the host allows it; ``queued`` is told its position, at once and
        whenever that changes. A wait that ends without a place raises `ServerFull`.
        """
        return leased(self._transport, queued)

    async def memory(self) -> MemoryStatus:
        """What the host's memory gate knows."""
        return wire.read_memory(
            await self._transport.whole("GET", "/v1/memory", 0.0, timeout_s=_STATUS_TIMEOUT_S, tries=1)
        )

    async def load(self, engine: str) -> None:
        """Begins to load an engine, by its name or its model's; raises `EngineUnavailable` when memory lacks."""
        await self._transport.whole("POST", f"/v1/engines/{quote(engine, safe='')}/load", 0.0)

    async def unload(self, engine: str) -> None:
        """Unloads an engine; raises `EngineRefused` for what every conversation needs."""
        await self._transport.whole("POST", f"/v1/engines/{quote(engine, safe='')}/unload", 0.0)

    async def detect_watermark(self, pcm: bytes) -> WatermarkFound:
        """Whether the sound carries the mark of cloned speech. pcm: PCM16 mono at `WIRE_RATE`, at most ten minutes.

        Takes about 40 ms a second of sound. The first time the detector is loaded, and its environment made:
        `EngineUnavailable` then says how far that is.
        """
        return read_watermark(
            await self._transport.whole("POST", "/v1/audio/watermark", 0.0, data=pcm, timeout_s=_DETECT_TIMEOUT_S)
        )

    async def status(self) -> HostStatus:
        """The host's state; raises `EngineUnavailable` when it does not answer."""
        return wire.read_status(
            await self._transport.whole("GET", "/health", 0.0, timeout_s=_STATUS_TIMEOUT_S, tries=1)
        )

    async def watch_status(self) -> AsyncGenerator[HostStatus]:
        """The host's state now and after every change; raises `EngineUnavailable` when the host goes away."""
        async with await self._transport.open("GET", "/health/stream", 0.0, tries=1) as response:
            with broken_off():
                while True:
                    async with asyncio.timeout(_HEARTBEAT_TIMEOUT_S):
                        line = await response.content.readline()
                    if not line:
                        raise EngineUnavailable("The engine host has gone away.")
                    yield wire.read_status(line)


_NOTHING = ChatDelta()
_RUNNING_USAGE = {wire_chat.USAGE_HEADER: wire_chat.RUNNING}


def _reference_path(reference_id: str) -> str:
    return f"/v1/audio/references/{quote(reference_id, safe='')}"


def _wav(pcm: bytes) -> bytes:
    """PCM16 mono at `STT_RATE` as a WAV file."""
    if len(pcm) % 2:
        raise EngineError("PCM16 has two bytes a sample; an odd number was given.", permanent=True)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, STT_RATE, STT_RATE * 2, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + len(pcm), b"WAVE") + form + struct.pack("<4sI", b"data", len(pcm)) + pcm
