"""What speech-to-text gives."""

import msgspec


class Word(msgspec.Struct, frozen=True):
    """One recognised word; times in seconds from the start of the audio given."""

    text: str
    start_s: float
    end_s: float
    probability: float


class Segment(msgspec.Struct, frozen=True):
    """A stretch of speech that was recognised at once, up to some 20 s; times as `Word`'s."""

    text: str
    start_s: float
    end_s: float
    logprob: float
    """Mean over its tokens."""
    no_speech_probability: float
    tokens: int


class Transcript(msgspec.Struct, frozen=True):
    """What speech-to-text heard. ``text`` is empty for silence and noise."""

    text: str
    language: str
    """BCP-47 tag, as asked for (``zh-TW``) or as detected (``en``)."""
    duration_s: float
    confidence: float = 0.0
    """exp(mean log probability of the tokens), 0..1; 0 when nothing was said."""
    no_speech_probability: float = 0.0
    words: tuple[Word, ...] = ()
    segments: tuple[Segment, ...] = ()
    model: str = ""
    compute_ms: float = 0.0
    """Time the engine computed, without waiting for its turn."""
    wait_ms: float = 0.0
