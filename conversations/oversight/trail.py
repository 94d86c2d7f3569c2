"""What was done to a conversation, or to a person, and by whom: the facts of moderation in a stream."""

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
from conversations.people_events import PersonBlocked, PersonErased, PersonUnblocked

TRAIL: tuple[type[Fact], ...] = (
    ConversationErased,
    ConversationHidden,
    FlagDecided,
    FlagRaised,
    KeepChanged,
    PersonBlocked,
    PersonErased,
    PersonUnblocked,
    RecordingHeard,
    SessionCut,
    SessionMuted,
    TurnRedacted,
)
LONGEST = 200
"""Entries that are read, the latest."""


class TrailEntry(msgspec.Struct, frozen=True):
    """One act. ``actor`` is an opaque id, empty for the system; ``note`` is empty once it was erased."""

    sequence: int
    at: datetime
    actor: str
    fact: Fact

    @property
    def note(self) -> str:
        return str(getattr(self.fact, "note", ""))


def trail(stream: str, *, notes: bool = True) -> tuple[TrailEntry, ...]:
    """The latest acts of a conversation's or a person's stream, the last first; ``notes``: with what was noted."""
    types = [fact.type for fact in TRAIL]
    rows = list(Event.objects.filter(stream=stream, type__in=types).order_by("-sequence")[:LONGEST])
    ring = KeyRing.load(stream, [""]) if rows and notes else KeyRing(stream)
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
