"""What was done to a conversation and by whom: the moderation facts of its stream, with their notes."""

from datetime import datetime

import msgspec

from conversations.events import (
    ConversationErased,
    ConversationHidden,
    Fact,
    FlagDecided,
    FlagRaised,
    KeepChanged,
    RecordingHeard,
    SessionCut,
    SessionMuted,
    TurnRedacted,
    decode_fact,
)
from conversations.log.codec import decode
from conversations.log.keys import KeyRing
from conversations.log.models import Event
from conversations.streams import stream_of

TRAIL: tuple[type[Fact], ...] = (
    ConversationErased,
    ConversationHidden,
    FlagDecided,
    FlagRaised,
    KeepChanged,
    RecordingHeard,
    SessionCut,
    SessionMuted,
    TurnRedacted,
)
LONGEST = 200
"""Entries that are read, the latest."""


class TrailEntry(msgspec.Struct, frozen=True):
    """One act. ``actor`` is an opaque id, empty for the system; ``note`` is empty once the conversation was erased."""

    sequence: int
    at: datetime
    actor: str
    fact: Fact

    @property
    def note(self) -> str:
        return str(getattr(self.fact, "note", ""))


def trail(conversation_id: str) -> tuple[TrailEntry, ...]:
    """The latest acts, the last first."""
    stream = stream_of(conversation_id)
    types = [fact.type for fact in TRAIL]
    rows = list(Event.objects.filter(stream=stream, type__in=types).order_by("-sequence")[:LONGEST])
    ring = KeyRing.load(stream, [""]) if rows else KeyRing(stream)
    events = (decode(row, ring) for row in rows)
    return tuple(
        TrailEntry(
            sequence=event.sequence,
            at=event.recorded_at,
            actor=event.metadata.actor,
            fact=decode_fact(event.type, event.version, event.payload, redacted=event.redacted),
        )
        for event in events
    )
