"""Voices, what cloned ones speak after, and what is told of speech that was made."""

import hashlib
from typing import Literal

import msgspec

from inference.types.sound import WIRE_RATE

Quality = Literal["fast", "fine"]
"""How speech is made: at once, or better and later."""


class Reference(msgspec.Struct, frozen=True):
    """A person's recorded speech and its exact words: what a cloning engine speaks after."""

    id: str
    """Opaque; the host keeps references by it and forgets them by it."""
    transcript: str
    language: str
    """BCP-47 tag of what was said."""
    digest: str
    """SHA-256 in hex of the sound and the transcript: another one under the same id is another reference."""
    pcm: bytes
    """PCM16 mono at WIRE_RATE."""

    @classmethod
    def of(cls, reference_id: str, pcm: bytes, *, transcript: str, language: str) -> "Reference":
        """A reference with its digest."""
        digest = hashlib.sha256(pcm + b"\0" + transcript.encode()).hexdigest()
        return cls(id=reference_id, transcript=transcript, language=language, digest=digest, pcm=pcm)

    def __repr__(self) -> str:
        return f"Reference({self.id!r}, {len(self.pcm) / 2 / WIRE_RATE:.1f} s)"


class SpeechMade(msgspec.Struct, frozen=True):
    """Who speaks, told before the first sound."""

    engine: str
    """The engine's short name: ``hibari``, ``f5``, ``cosyvoice``, ``url``."""
    model: str
    voice: str
    """Id of the embedded voice, or the id of the reference."""
    cloned: bool = False
    watermarked: bool = False
    fallback: str = ""
    """Why it is not the voice that was asked for, as a stable code (docs/integrator.md); empty when it is, or when none
    was asked for."""
    quality: Quality = "fast"
    """How it is made, which is not what was asked for while the fine engine is away."""


class WatermarkFound(msgspec.Struct, frozen=True):
    """Whether a recording carries the mark of cloned speech."""

    present: bool
    confidence: float
    """0..1, of the three seconds in which it is surest."""
    share: float
    """Part of the recording's sound that carries it, 0..1."""


class VoiceInfo(msgspec.Struct, frozen=True):
    id: str
    name: str
    engine: str
    languages: tuple[str, ...]
    """BCP-47 tags it can speak."""
    clones: bool = False
