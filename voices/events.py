"""The facts of a voice: one small, versioned payload type each.

``personal`` names the fields that are sealed: under the sample's or the consent's own key where the event's
correlation names one, under the voice's otherwise. The names of voices are in no fact (`models.VoiceName`).
"""

from typing import Literal

from conversations.log.facts import Fact, know

CATEGORY = "voice"
PROVENANCE = "provenance"

Scope = Literal["self", "shared"]
"""Whom the consent lets speak in the voice: the owner alone, or everybody here once it is approved."""


class VoiceCreated(Fact, frozen=True, kw_only=True):
    type = "voice.created"
    owner: str
    language: str


class PresetNamed(Fact, frozen=True, kw_only=True):
    """The first fact about a voice that an engine brings along; ``preset`` is the engine's name for it."""

    type = "voice.preset_named"
    preset: str
    language: str = ""


class VoiceChanged(Fact, frozen=True, kw_only=True):
    type = "voice.changed"
    language: str


class SampleAdded(Fact, frozen=True, kw_only=True):
    """A sample was checked and stored; it takes the place of the one before, and ends the consent given for that."""

    type = "voice.sample_added"
    personal = frozenset({"transcript", "embedding"})
    sample_id: str
    audio_id: str
    digest: str
    """SHA-256 of the stored PCM16 (24 kHz mono), hexadecimal."""
    duration_ms: int
    speech_ms: int
    loudness_lufs: float
    """As it came; the stored sound is normalised."""
    peak_db: float
    clipped: float
    """Share of samples at full scale, 0..1."""
    snr_db: float
    language: str
    """As it was heard."""
    confidence: float
    model: str
    transcript: str
    embedding: str
    """Base64 of 256 little-endian float32, L2-normalised; empty when no engine made one."""


class TranscriptCorrected(Fact, frozen=True, kw_only=True):
    type = "voice.transcript_corrected"
    personal = frozenset({"transcript"})
    sample_id: str
    transcript: str


class ConsentAsked(Fact, frozen=True, kw_only=True):
    """A sentence was made for the occasion. The moment stands here, since the verdict depends on it."""

    type = "voice.consent_asked"
    challenge_id: str
    sample_id: str
    language: str
    sentence: str
    words: tuple[str, ...]
    scope: Scope
    days: int
    expires_at: str
    """ISO 8601."""


class ConsentGiven(Fact, frozen=True, kw_only=True):
    type = "voice.consent_given"
    personal = frozenset({"transcript"})
    challenge_id: str
    audio_id: str
    transcript: str
    words_heard: int
    similarity: float
    threshold: float
    until: str
    """ISO 8601: the consent's end."""


class ConsentRefused(Fact, frozen=True, kw_only=True):
    """What was read did not count; the sentence cannot be used again."""

    type = "voice.consent_refused"
    challenge_id: str
    reason: Literal["wrong_words", "other_voice", "expired"]
    words_heard: int = 0
    similarity: float | None = None
    threshold: float | None = None


class ConsentWithdrawn(Fact, frozen=True, kw_only=True):
    """The consent ended: sample and recordings are erased. ``reason``: ``owner``, or ``ended`` at its own end."""

    type = "voice.consent_withdrawn"
    reason: str


class SharingAsked(Fact, frozen=True, kw_only=True):
    type = "voice.sharing_asked"


class SharingEnded(Fact, frozen=True, kw_only=True):
    """The owner took the voice, or the wish to share it, back."""

    type = "voice.sharing_ended"


class VoiceApproved(Fact, frozen=True, kw_only=True):
    type = "voice.approved"
    personal = frozenset({"note"})
    reason: str
    note: str = ""


class VoiceRejected(Fact, frozen=True, kw_only=True):
    type = "voice.rejected"
    personal = frozenset({"note"})
    reason: str
    note: str = ""


class VoiceRevoked(Fact, frozen=True, kw_only=True):
    type = "voice.revoked"
    personal = frozenset({"note"})
    reason: str
    note: str = ""


class VoiceRated(Fact, frozen=True, kw_only=True):
    """The actor's latest rating counts."""

    type = "voice.rated"
    score: int
    """1..10."""


class VoiceHeard(Fact, frozen=True, kw_only=True):
    """Somebody who is not the owner listened to a sample or to the recording of a consent."""

    type = "voice.heard"
    what: Literal["sample", "consent"]
    reason: str


class VoiceDeleted(Fact, frozen=True, kw_only=True):
    """The tombstone: the stream's keys and sounds are gone."""

    type = "voice.deleted"
    reason: str


class UtteranceOpened(Fact, frozen=True, kw_only=True):
    """Something is about to be said in a cloned voice; durable before its first sound is sent."""

    type = "utterance.opened"
    utterance_id: str
    voice: str
    """A profile's id, or `provenance.SELF` for a person's own voice of that conversation."""
    owner: str
    """Whose voice it is."""
    speaker: str
    """For whom it is said."""
    engine: str
    model: str
    quality: str = ""
    conversation_id: str = ""
    response_id: str = ""
    door: str = ""
    """Where it was asked for: ``realtime``, ``api``, ``preview``."""


class UtteranceClosed(Fact, frozen=True, kw_only=True):
    type = "utterance.closed"
    utterance_id: str
    duration_ms: int
    watermarked: bool
    fingerprint: str
    """Acoustic, of what was sent (`inference.audio.fingerprint`); empty when nothing was."""
    complete: bool = True


know(__name__)


def stream_of(voice_id: object) -> str:
    return f"{CATEGORY}-{voice_id}"


def voice_of(stream: str) -> str:
    """The id in the name of a voice's stream, or of a stream of provenance."""
    return stream.partition("-")[2]


def provenance_stream(source: object) -> str:
    """``source``: the profile's id, or of a person's own voice the conversation's."""
    return f"{PROVENANCE}-{source}"
