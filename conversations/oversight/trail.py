"""What was done to a conversation, or to a person, and by whom: the facts of moderation in a stream."""

from datetime import datetime

import msgspec
import structlog

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
)
from conversations.log.codec import decode
from conversations.log.damage import DAMAGE
from conversations.log.facts import fact_of
from conversations.log.keys import KeyRing
from conversations.log.models import Event
from conversations.people_events import PersonBlocked, PersonErased, PersonUnblocked

log = structlog.get_logger(__name__)
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
    return tuple(entry for row in rows if (entry := _entry(row, ring)) is not None)


def _entry(row: Event, ring: KeyRing) -> TrailEntry | None:
    """None for an event that was changed behind the log's back: proving the chain names it, and the rest is shown."""
    try:
        event = decode(row, ring)
        fact = fact_of(event)
    except DAMAGE:
        log.warning("act_damaged", stream=row.stream, sequence=row.sequence)
        return None
    return TrailEntry(event.sequence, event.recorded_at, event.metadata.actor, fact)
