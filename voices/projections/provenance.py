"""Rows of provenance: what was said in cloned voices."""

from collections.abc import Sequence

from conversations.log.facts import decode_fact
from conversations.log.keys import KeyRing
from conversations.log.types import RecordedEvent
from voices.events import UtteranceClosed, UtteranceOpened, voice_of
from voices.models import Utterance


def project(events: Sequence[RecordedEvent], ring: KeyRing) -> None:
    """The projector for streams of provenance."""
    for event in events:
        known = Utterance.objects.filter(id=event.payload.get("utterance_id", "")).first()
        row = fold(known, event)
        if row is not None:
            row.save()


def fold(row: Utterance | None, event: RecordedEvent) -> Utterance | None:
    """The row with one event more; None when it is about nothing that was opened."""
    match decode_fact(event.type, event.version, event.payload):
        case UtteranceOpened() as fact:
            return Utterance(
                id=fact.utterance_id,
                source=voice_of(event.stream),
                voice=fact.voice,
                owner=fact.owner,
                speaker=fact.speaker,
                engine=fact.engine,
                model=fact.model,
                quality=fact.quality,
                conversation_id=fact.conversation_id,
                response_id=fact.response_id,
                door=fact.door,
                opened_at=event.recorded_at,
                sequence=event.sequence,
            )
        case UtteranceClosed() as fact if row is not None:
            row.closed_at, row.duration_ms, row.watermarked = event.recorded_at, fact.duration_ms, fact.watermarked
            row.fingerprint, row.complete, row.sequence = fact.fingerprint, fact.complete, event.sequence
            return row
        case _:
            return None
