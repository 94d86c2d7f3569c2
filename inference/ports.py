"""What the rest of AVATAR asks of engines; `inference.client.EngineClient` does it over the engine host's HTTP."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from inference.types import ChatDelta, ChatRequest, HostStatus, Transcript


class Lease(Protocol):
    """A session's place on the machine; it ends with its context, or with the process that holds it."""

    id: str

    @property
    def lost(self) -> bool:
        """True once the host has gone away or taken the place back."""


class Engines(Protocol):
    """The engines of one host. Cancelling a call (or closing its iterator) stops the work behind it.

    ``due_in_s`` is the deadline by which the result is needed, in seconds from now (0: somebody waits for it); the
    host's scheduler serves the earliest deadline first. All methods raise `inference.errors.EngineError`.
    """

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

    def chat(self, request: ChatRequest, *, due_in_s: float = 0.0) -> AsyncIterator[ChatDelta]:
        """Streams the answer."""

    def speak(
        self, text: str, *, voice: str, language: str, speed: float = 1.0, due_in_s: float = 0.0
    ) -> AsyncIterator[bytes]:
        """Streams PCM16 mono at `WIRE_RATE`. ``text`` is a sentence, already fit to be spoken or not."""

    async def end_of_turn(self, pcm: bytes) -> float:
        """Probability (0..1) that the speaker has finished; pcm: the utterance's last 8 s at most, at `STT_RATE`."""

    def lease(self) -> AbstractAsyncContextManager[Lease]:
        """Takes a session's place; raises `ServerFull` at once when there is none."""

    async def status(self) -> HostStatus:
        """The host's state; raises `EngineUnavailable` when it does not answer."""
