"""What the rest of AVATAR asks of engines; `inference.client.EngineClient` does it over the engine host's HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Required, TypedDict, Unpack

from inference.types import ChatDelta, ChatRequest, HostStatus, Quality, Queued, Reference, SpeechMade, Transcript


class Lease(Protocol):
    """A session's place on the machine; it ends with its context, or with the process that holds it."""

    id: str

    @property
    def lost(self) -> bool:
        """True once the host has gone away or taken the place back."""


class Speech(Protocol):
    """A sentence being spoken."""

    @property
    def made(self) -> SpeechMade:
        """Who speaks; known before the first sound."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """PCM16 mono at `WIRE_RATE` as it comes, in whole samples."""


class HearingWish(TypedDict, total=False):
    """How speech is to be transcribed."""

    language: str | None
    """BCP-47 tag; None detects it."""
    prompt: str | None
    """Words that are likely to come."""
    model: str | None
    words: bool
    """Each word's time, too."""


class SpeechWish(TypedDict, total=False):
    """How a sentence is to be spoken."""

    voice: Required[str]
    """One of the host's; empty: its default for the language."""
    language: Required[str]
    """BCP-47 tag."""
    speed: float
    reference: Reference | None
    """In this person's voice, or in ``voice`` where that cannot be (`SpeechMade.fallback`)."""
    quality: Quality
    instructions: str
    """How to say it, for engines that take such a thing."""


class Engines(Protocol):
    """The engines of one host. Cancelling a call (or closing its iterator) stops the work behind it.

    ``due_in_s`` is the deadline by which the result is needed, in seconds from now (0: somebody waits for it); the
    host's scheduler serves the earliest deadline first. All methods raise `inference.errors.EngineError`.
    """

    async def transcribe(self, pcm: bytes, *, due_in_s: float = 0.0, **wish: Unpack[HearingWish]) -> Transcript:
        """pcm: PCM16 mono at `STT_RATE`."""

    def chat(self, request: ChatRequest, *, due_in_s: float = 0.0) -> AsyncIterator[ChatDelta]:
        """Streams the answer."""

    def speech(
        self, text: str, *, due_in_s: float = 0.0, **wish: Unpack[SpeechWish]
    ) -> AbstractAsyncContextManager[Speech]:
        """Speaks ``text``, a sentence, already fit to be spoken or not.

        An engine that dies in the middle raises `EngineUnavailable` from the iterator; a reference that is forgotten
        meanwhile too, and `VoiceStopped` when it was before.
        """

    async def forget_reference(self, reference_id: str) -> None:
        """Stops at once whatever is being said with this reference, and bars it from now on."""

    async def embed(self, pcm: bytes, *, due_in_s: float = 0.0) -> tuple[float, ...]:
        """Who speaks, as `EMBEDDING_SIZE` numbers (`inference.speaker`); pcm: PCM16 mono at `STT_RATE`."""

    async def end_of_turn(self, pcm: bytes) -> float:
        """Probability (0..1) that the speaker has finished; pcm: the utterance's last 8 s at most, at `STT_RATE`."""

    def lease(self, *, queued: Callable[[Queued], None] | None = None) -> AbstractAsyncContextManager[Lease]:
        """Takes a session's place; raises `ServerFull` at once when there is none.

        With ``queued`` it waits in the host's queue where there is one: ``queued`` is told the position at once (within
        a second) and whenever it changes; `ServerFull` when the queue is full, or the wait too long.
        """

    async def status(self) -> HostStatus:
        """The host's state; raises `EngineUnavailable` when it does not answer."""
