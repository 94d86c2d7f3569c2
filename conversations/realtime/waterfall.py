"""Where the time of a turn went, from the true end of speech to the first sound of the answer."""

from collections.abc import Iterable

import msgspec

from conversations.events import TurnMeasured
from conversations.realtime.ids import new_id
from conversations.realtime.steps import Marks

Span = tuple[float, float]


class Turn(msgspec.Struct):
    """One turn and its times, on the monotonic clock; 0 where something did not happen.

    The steps may overlap and even precede the endpoint: transcription and the answer's first sentence are made while
    the silence is still being waited out.
    """

    id: str = msgspec.field(default_factory=lambda: new_id("turn"))
    item_id: str = ""
    speech_end: float = 0.0
    paused: float = 0.0
    endpoint: float = 0.0
    transcript: float = 0.0
    stt_compute_ms: float = 0.0
    first_sent: float = 0.0
    began_at_ms: int | None = None
    """The first sample of the utterance, Unix time."""


def measured(turn: Turn, marks: Marks, response_id: str) -> TurnMeasured:
    """The waterfall as a fact; `model_ms` counts the time in which at least one model was at work."""

    def since(moment: float) -> float | None:
        return round((moment - turn.speech_end) * 1000, 1) if moment and turn.speech_end else None

    made = marks.made
    return TurnMeasured(
        response_id=response_id,
        endpoint_ms=since(turn.endpoint),
        transcript_ms=since(turn.transcript),
        first_token_ms=since(marks.first_token),
        first_sentence_ms=since(marks.first_sentence),
        first_audio_ms=since(turn.first_sent),
        model_ms=round(covered(_model_spans(turn, marks), turn.speech_end, turn.first_sent) * 1000, 1),
        engine=made.engine if made is not None else "",
        cloned=made is not None and made.cloned,
        quality=made.quality if made is not None else "",
    )


def own_share_ms(turn: Turn, marks: Marks) -> float:
    """What is neither a model's work nor the silence that shows that the turn is over: our own time."""
    begin = turn.speech_end or turn.endpoint or marks.started
    spans = [*_model_spans(turn, marks), (turn.speech_end, turn.endpoint)]
    return round((turn.first_sent - begin - covered(spans, begin, turn.first_sent)) * 1000, 1)


def _model_spans(turn: Turn, marks: Marks) -> list[Span]:
    transcribing = (turn.transcript - turn.stt_compute_ms / 1000, turn.transcript)
    return [
        span
        for span in (
            transcribing,
            (marks.started, marks.first_sentence),
            (marks.speech_asked, marks.first_sound),
        )
        if span[0] and span[1]
    ]


def covered(spans: Iterable[Span], begin: float, end: float) -> float:
    """Seconds of begin..end that lie in at least one span."""
    total, reached = 0.0, begin
    for start, stop in sorted(spans):
        new = min(stop, end) - max(start, reached)
        if new > 0:
            total += new
            reached = min(stop, end)
    return total
