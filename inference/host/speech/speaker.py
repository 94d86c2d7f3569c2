"""What the host asks of whoever makes sound: engines in its own process, in one of their own, or a server by URL."""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from inference.types import EngineStatus, Quality, Reference, VoiceInfo


class SpeechAsk(msgspec.Struct, frozen=True, kw_only=True):
    """A text to be said. Times are the event loop's."""

    text: str
    language: str = ""
    """BCP-47 tag; empty: the voice's own."""
    voice: str = ""
    """Of an embedded voice or a server's; with a reference, who speaks when it cannot be used."""
    speed: float = 1.0
    reference: Reference | None = None
    quality: Quality = "fast"
    instructions: str = ""
    """How to say it, for engines that take such words; others leave them."""
    due: float
    expires: float


class Speaker(Protocol):
    """Makes sound. Closing an iterator stops the work behind it; errors are `inference.errors.EngineError`."""

    engine: str
    """Short name: ``hibari``, ``f5``, ``cosyvoice``, ``vllm-omni``, ``url``."""
    last_used: float
    """When it last began to speak, as a time of the event loop; 0: never."""
    busy: int
    """Sentences being made now."""

    @property
    def status(self) -> EngineStatus: ...

    @property
    def voices(self) -> tuple[VoiceInfo, ...]:
        """Its own voices, as they can be used now; none for an engine that only clones."""

    def clones(self, language: str) -> bool:
        """Whether it speaks after a reference, in this language."""

    def speak(self, ask: SpeechAsk) -> AsyncIterator[bytes]:
        """PCM16 mono at WIRE_RATE: after ``ask.reference`` when there is one, else in ``ask.voice``."""

    async def load(self) -> None:
        """Begins to load what is loaded on demand; returns at once. `status` tells how far it is."""

    async def forget(self, reference_id: str) -> None:
        """Drops what it keeps of a reference."""

    async def run(self) -> None:
        """Keeps it reachable until cancelled."""
