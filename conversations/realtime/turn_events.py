"""What the turn detector tells the session. Times are milliseconds of microphone audio since the session began."""

import msgspec


class SpeechStarted(msgspec.Struct, frozen=True):
    """An utterance began. ``start_ms`` is where its audio starts, the prefix padding included."""

    start_ms: int


class SpeechPaused(msgspec.Struct, frozen=True):
    """Silence after speech, short yet: the turn may be over. Speculative work may start with `audio`.

    ``audio``: PCM16 mono at STT_RATE, the utterance up to here; ``speech_end_ms``: where the last speech was heard.
    The session may answer with `TurnDetector.set_completion(pause, probability)`.
    """

    pause: int
    speech_end_ms: int
    audio: bytes


class PauseLasts(msgspec.Struct, frozen=True):
    """The pause goes on although the speaker did not sound finished: Smart Turn may hear it otherwise by now.

    ``audio``: PCM16 mono at STT_RATE, the utterance and the silence up to here; its words are those of the
    `SpeechPaused` of the same number.
    """

    pause: int
    audio: bytes


class SpeechResumed(msgspec.Struct, frozen=True):
    """Speech went on after the pause: speculative work is void."""

    pause: int


class SpeechStopped(msgspec.Struct, frozen=True):
    """The turn is over and is committed.

    ``audio``: PCM16 mono at WIRE_RATE, the utterance with its padding; ``pause`` names the `SpeechPaused` whose
    speculative work still holds (None: too long an utterance was cut, nothing was speculated).
    """

    start_ms: int
    end_ms: int
    speech_end_ms: int
    audio: bytes
    pause: int | None = None


class BargeInSuspected(msgspec.Struct, frozen=True):
    """Speech over an answer: hold the sending."""

    at_ms: int


class BargeInConfirmed(msgspec.Struct, frozen=True):
    """It went on: cancel the answer. A `SpeechStarted` comes with it (before it)."""

    at_ms: int


class BargeInDropped(msgspec.Struct, frozen=True):
    """It was a cough or a back-channel: go on with the answer as if nothing had been said."""

    at_ms: int


class IdleTimeout(msgspec.Struct, frozen=True):
    """Nothing was said for ``idle_timeout_ms`` after the last answer was played."""

    start_ms: int
    end_ms: int


TurnEvent = (
    SpeechStarted
    | SpeechPaused
    | PauseLasts
    | SpeechResumed
    | SpeechStopped
    | BargeInSuspected
    | BargeInConfirmed
    | BargeInDropped
    | IdleTimeout
)
