"""What services and selectors give: plain values for pages, REST, sessions."""

from datetime import datetime
from typing import Literal

import msgspec

from common.texts import Text
from voices.events import Scope


class VoiceChoice(msgspec.Struct, frozen=True):
    """A voice that somebody may choose to be spoken to in. ``id``: what a session's ``voice`` is set to."""

    id: str
    """A profile's UUID, or a preset's own name, such as ``hibari-us``."""
    name: str
    language: str
    """BCP-47 tag; a preset's first language."""
    cloned: bool
    own: bool = False
    languages: tuple[str, ...] = ()
    engine: str = ""
    """Of a preset."""


class Advice(msgspec.Struct, frozen=True):
    """Something about a sample that its owner can act on. ``code`` stays the same, ``message`` is for people."""

    code: str
    message: Text
    blocks: bool = False
    """The sample cannot be taken like this."""


class SampleReport(msgspec.Struct, frozen=True):
    """What was measured. When not ``accepted``, nothing was stored."""

    accepted: bool
    sample_id: str
    """Empty when not accepted."""
    duration_s: float
    """Of the file."""
    speech_s: float
    loudness_lufs: float
    """As it came (EBU R 128); what is stored is brought to `levels.TARGET_LUFS`."""
    peak_db: float
    """dBFS."""
    clipped: float
    """Share of samples at full scale, 0..1."""
    snr_db: float
    """Speech above the noise between the words."""
    language: str
    confidence: float
    transcript: str
    corrected: bool = False
    advice: tuple[Advice, ...] = ()
    added_at: datetime | None = None


class Challenge(msgspec.Struct, frozen=True):
    """The sentence to read, once, before ``expires_at``. ``words`` are the six that count."""

    id: str
    language: str
    sentence: str
    words: tuple[str, ...]
    scope: Scope
    days: int
    expires_at: datetime


class Verdict(msgspec.Struct, frozen=True):
    """Whether a consent counts, and why. ``reason`` is empty when it does."""

    accepted: bool
    reason: Literal["", "wrong_words", "other_voice", "expired"]
    message: Text
    words_heard: int
    words_needed: int
    words_asked: int
    similarity: float | None
    """Cosine of the speaker embeddings; None when it was not asked any more."""
    threshold: float | None
    until: datetime | None = None


class ConsentView(msgspec.Struct, frozen=True):
    """A consent that holds."""

    id: str
    given_at: datetime
    until: datetime
    scope: Scope
    sentence: str
    words_heard: int
    similarity: float
    threshold: float


class RatingView(msgspec.Struct, frozen=True):
    """``mean`` is None while nobody has rated; ``own`` is the asker's own score."""

    mean: float | None
    count: int
    own: int | None


class PreviewView(msgspec.Struct, frozen=True):
    id: str
    text: str
    language: str
    quality: str
    state: str
    """queued, running, done, failed."""
    progress: float
    created_at: datetime
    duration_ms: int | None
    engine: str
    model: str
    cloned: bool
    fallback: str
    """Why it is not the voice asked for; empty when it is."""
    similarity: float | None
    error: str


class VoiceRow(msgspec.Struct, frozen=True):
    """A voice in a list. ``id`` is a UUID for presets too; ``voice`` is what a session's ``voice`` is set to."""

    id: str
    voice: str
    kind: Literal["profile", "preset"]
    name: str
    language: str
    languages: tuple[str, ...]
    state: str
    """`models.State`; a preset is always ``usable``."""
    own: bool
    cloned: bool
    measured: bool
    """Whether the quality is known: cloned voices are not measured until real weights have run."""
    rating: RatingView
    engine: str = ""
    updated_at: datetime | None = None


class Decision(msgspec.Struct, frozen=True):
    """What a manager decided last about sharing, or a revocation."""

    reason: str
    note: str
    at: datetime


class Profile(msgspec.Struct, frozen=True):
    """A voice with everything that its owner sees of it. The parts that are its owner's alone are empty for others."""

    row: VoiceRow
    created_at: datetime | None = None
    sample: SampleReport | None = None
    challenge: Challenge | None = None
    """Still open."""
    asked_scope: Scope = "self"
    asked_days: int = 0
    """What was chosen for the sentence asked for last, unless a consent was given with it; 0 when there is none."""
    consent: ConsentView | None = None
    sharing_asked_at: datetime | None = None
    decision: Decision | None = None
    previews: tuple[PreviewView, ...] = ()


class WaitingVoice(msgspec.Struct, frozen=True):
    """One that a manager is to decide about."""

    id: str
    name: str
    owner_id: str
    language: str
    sharing_asked_at: datetime
    report: SampleReport | None
    consent: ConsentView | None
