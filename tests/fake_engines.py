"""Engines by script, for timing and faults: what is said, how fast, and what goes wrong."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Unpack

from inference.errors import EngineError, EngineUnavailable, ServerFull
from inference.ports import HearingWish, SpeechWish
from inference.types import (
    STT_RATE,
    WIRE_RATE,
    ChatDelta,
    ChatRequest,
    EngineStatus,
    HostStatus,
    Quality,
    Queued,
    Reference,
    ServiceLevel,
    SpeechMade,
    ToolCallDelta,
    Transcript,
    Usage,
    VoiceInfo,
)

SECONDS_PER_LETTER = 0.02
"""The fake voice speaks fast."""


class FakeLease:
    def __init__(self, name: str) -> None:
        self.id = name
        self.lost = False


class FakeSpeech:
    """A sentence in slices of 0.1 s."""

    def __init__(self, made: SpeechMade, pcm: bytes, dies_after_s: float | None = None) -> None:
        self.made = made
        self._pcm = pcm
        self._dies_after_s = dies_after_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._pcm), 4800):
            if self._dies_after_s is not None and start >= self._dies_after_s * 2 * WIRE_RATE:
                raise EngineUnavailable("The engine died in the middle of the sentence.")
            yield self._pcm[start : start + 4800]
            await asyncio.sleep(0)


class FakeEngines:
    """Implements `inference.ports.Engines`. Scripts are used up in order; the last word of each repeats."""

    def __init__(
        self,
        *,
        heard: Iterable[str | EngineError] = ("hello there.",),
        replies: Iterable[str | EngineError | tuple[ChatDelta, ...]] = ("Hello to you. How are you today?",),
        places: int = 5,
    ) -> None:
        self.heard = deque(heard)
        self.replies = deque(replies)
        self.speech_error: EngineError | None = None
        self.voices_heard: deque[tuple[float, ...]] = deque([(1.0, 0.0)])
        """Embeddings of who speaks, used up in order; the last repeats."""
        self.embed_error: EngineError | None = None
        self.speech_dies: deque[float | None] = deque()
        """For each sentence to come, after how many seconds of its sound the voice dies; None: never."""
        self.service: ServiceLevel = "full"
        self.cloning: tuple[Quality, ...] = ("fast",)
        self.probability = 0.9
        self.places = places
        self.away = False
        self.hear = asyncio.Event()
        self.hear.set()
        self.think = asyncio.Event()
        self.think.set()
        self.think_on = asyncio.Event()
        """Clear it to stop the chat model after its first word."""
        self.think_on.set()
        self.thinking = asyncio.Event()
        """Set once the chat model has said its first word."""
        self.judged = asyncio.Event()
        """Set once it was asked whether a turn is over."""
        self.speaking = asyncio.Event()
        """Set once the voice was asked for something."""
        self.leased = asyncio.Event()
        """Set once a place was taken."""
        self.voice = asyncio.Event()
        self.voice.set()
        self.requests: list[ChatRequest] = []
        self.spoken: list[str] = []
        self.references: list[Reference | None] = []
        """What each of ``spoken`` was to be spoken after."""
        self.forgotten: list[str] = []
        self.due: list[float] = []
        self.transcribed: list[bytes] = []
        self.stopped = 0
        """Chat answers that were ended before their end."""
        self.leases: list[FakeLease] = []
        self.queue: tuple[Queued, ...] = ()
        """What somebody who would wait is told before the place is there."""
        self.seconds_per_letter = SECONDS_PER_LETTER

    async def transcribe(self, pcm: bytes, *, due_in_s: float = 0.0, **wish: Unpack[HearingWish]) -> Transcript:
        self._here()
        self.transcribed.append(pcm)
        await self.hear.wait()
        said = self.heard.popleft() if len(self.heard) > 1 else self.heard[0]
        if isinstance(said, EngineError):
            raise said
        language = wish.get("language") or "en"
        return Transcript(said, language, len(pcm) / 2 / STT_RATE, 0.9 if said else 0.0, model="fake-stt")

    async def chat(self, request: ChatRequest, *, due_in_s: float = 0.0) -> AsyncIterator[ChatDelta]:
        self._here()
        self.requests.append(request)
        await self.think.wait()
        reply = self.replies.popleft() if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, EngineError):
            raise reply
        ended = False
        try:
            for index, delta in enumerate(_deltas(reply)):
                if index:
                    await self.think_on.wait()
                await asyncio.sleep(0)
                self.thinking.set()
                yield delta
            ended = True
        finally:
            self.stopped += not ended

    def before_speech(self, cloned: bool) -> None:
        """For tests to refuse."""

    def made(self, made: SpeechMade) -> SpeechMade:
        """For tests to tell something else."""
        return made

    @asynccontextmanager
    async def speech(
        self, text: str, *, due_in_s: float = 0.0, **wish: Unpack[SpeechWish]
    ) -> AsyncIterator["FakeSpeech"]:
        reference = wish.get("reference")
        self._here()
        self.spoken.append(text)
        self.references.append(reference)
        self.speaking.set()
        self.due.append(due_in_s)
        await self.voice.wait()
        self.before_speech(reference is not None)
        if self.speech_error is not None:
            raise self.speech_error
        made = SpeechMade(
            engine="fake",
            model="fake-tts",
            voice=reference.id if reference else wish["voice"],
            cloned=reference is not None,
            watermarked=reference is not None,
            quality=wish.get("quality", "fast"),
        )
        made = self.made(made)
        samples = int(len(text) * self.seconds_per_letter * WIRE_RATE)
        dies_after_s = self.speech_dies.popleft() if self.speech_dies else None
        yield FakeSpeech(made, b"\x10\x00" * samples, dies_after_s)

    async def forget_reference(self, reference_id: str) -> None:
        self._here()
        self.forgotten.append(reference_id)

    async def embed(self, pcm: bytes, *, due_in_s: float = 0.0) -> tuple[float, ...]:
        self._here()
        if self.embed_error is not None:
            raise self.embed_error
        return self.voices_heard.popleft() if len(self.voices_heard) > 1 else self.voices_heard[0]

    async def end_of_turn(self, pcm: bytes) -> float:
        self._here()
        self.judged.set()
        return self.probability

    @asynccontextmanager
    async def lease(self, *, queued: Callable[[Queued], None] | None = None) -> AsyncIterator[FakeLease]:
        self._here()
        for place in self.queue:
            if queued is not None:
                queued(place)
                await asyncio.sleep(0)
        if len(self.leases) >= self.places:
            raise ServerFull("All places are taken.")
        lease = FakeLease(f"lease_{len(self.leases)}")
        self.leases.append(lease)
        self.leased.set()
        try:
            yield lease
        finally:
            self.leases.remove(lease)

    async def status(self) -> HostStatus:
        self._here()
        return HostStatus(
            ready=True,
            engines=(
                EngineStatus("stt", "fake-stt", "ready", ("en",)),
                EngineStatus("chat", "fake-chat", "ready", ("en",)),
                EngineStatus("tts", "fake-tts", "ready", ("en",)),
            ),
            voices=(
                VoiceInfo("anna", "Anna", "fake-tts", ("en",)),
                VoiceInfo("bert", "Bert", "fake-tts", ("en",)),
                VoiceInfo("mei", "Mei", "fake-tts", ("zh-TW",)),
            ),
            sessions=len(self.leases),
            max_sessions=self.places,
            context_tokens=2048,
            service=self.service,
            cloning=self.cloning,
        )

    def _here(self) -> None:
        if self.away:
            raise EngineUnavailable("The engine host is away.")


def _deltas(reply: str | tuple[ChatDelta, ...]) -> tuple[ChatDelta, ...]:
    if not isinstance(reply, str):
        return reply
    words = reply.split(" ") if reply else []
    texts = tuple(ChatDelta(text=word if index == 0 else f" {word}") for index, word in enumerate(words))
    return (*texts, ChatDelta(finish_reason="stop", usage=Usage(20, len(words), 8)))


def tool_call(name: str, arguments: str, call_id: str = "call_1") -> tuple[ChatDelta, ...]:
    """An answer that is a function call, its arguments in two pieces."""
    half = len(arguments) // 2
    return (
        ChatDelta(tool_calls=(ToolCallDelta(0, call_id, name, arguments[:half]),)),
        ChatDelta(tool_calls=(ToolCallDelta(0, arguments=arguments[half:]),)),
        ChatDelta(finish_reason="tool_calls", usage=Usage(30, 5, 0)),
    )
