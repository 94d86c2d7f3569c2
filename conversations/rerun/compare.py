"""Then and now: how far the words of a turn lie apart, and how long each step took."""

from collections.abc import Sequence

import msgspec

from conversations.events import TurnMeasured


class Times(msgspec.Struct, frozen=True):
    """Milliseconds from the moment when the user's words were known; None where a step did not happen.

    A live answer waits for the end of the turn before its first sound; a re-run does not.
    """

    first_token_ms: float | None = None
    first_sentence_ms: float | None = None
    first_audio_ms: float | None = None
    transcript_ms: float | None = None
    """How long the transcription took: live, from the end of speech; re-run, from asking for it."""


class Compared(msgspec.Struct, kw_only=True):
    """One turn, in numbers: nothing of what was said is in it."""

    number: int
    turn_id: str
    then: Times = Times()
    now: Times = Times()
    skipped: str = ""
    """Why it was not run again: ``redacted``, ``no words``."""
    error: str = ""
    """Code of what failed in the re-run."""
    failed_then: bool = False
    edits: int | None = None
    """Words by which the new transcript differs from the recorded one (substitutions, deletions, insertions) ..."""
    words: int = 0
    """... of so many; for Chinese, characters."""
    similarity: float | None = None
    """Of the two answers' words: 1 the same, 0 nothing in common."""


class Texts(msgspec.Struct, frozen=True):
    """What was said in a turn, then and now: personal, for those who may read it."""

    user_then: str = ""
    user_now: str = ""
    reply_then: str = ""
    reply_now: str = ""


def recorded_times(measured: TurnMeasured | None) -> Times:
    """A live turn's waterfall, counted from when its words were known."""
    if measured is None:
        return Times()

    def after(moment: float | None) -> float | None:
        if moment is None or measured.transcript_ms is None:
            return None
        return round(moment - measured.transcript_ms, 1)

    return Times(
        first_token_ms=after(measured.first_token_ms),
        first_sentence_ms=after(measured.first_sentence_ms),
        first_audio_ms=after(measured.first_audio_ms),
        transcript_ms=measured.transcript_ms,
    )


def word_errors(reference: str, heard: str, language: str) -> tuple[int, int]:
    """Edits, and words of the reference."""
    from inference.accuracy_text import edits, units  # noqa: PLC0415 - opencc, for those who compare

    wanted = units(reference, language or "en")
    return edits(wanted, units(heard, language or "en")), len(wanted)


def similarity(then: str, now: str, language: str) -> float:
    """1 minus the words' edit distance over the longer one's length."""
    from inference.accuracy_text import edits, units  # noqa: PLC0415

    one, other = units(then, language or "en"), units(now, language or "en")
    longer = max(len(one), len(other))
    return round(1 - edits(one, other) / longer, 3) if longer else 1.0


def percentile(values: Sequence[float], share: float) -> float:
    """Linear between neighbours; ``values`` are not empty."""
    ordered = sorted(values)
    at = (len(ordered) - 1) * share
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)
