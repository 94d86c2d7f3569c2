"""One page of the feed: the events that somebody may see after a position, a bounded piece of the log at a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from conversations.errors import Invalid
from conversations.events import FACTS, NOT_FOR_THE_OWNER, UnknownFact
from conversations.log import store
from conversations.log.codec import decode, decode_metadata
from conversations.log.facts import fact_of
from conversations.log.keys import KeyRing
from conversations.log.models import Event
from conversations.log.types import RecordedEvent
from conversations.models import Conversation
from conversations.projections.rings import rings_of
from conversations.services.access import Actor, require
from conversations.streams import CATEGORY, conversation_of, stream_of
from voices.events import CATEGORY as VOICE

MOST = 500
"""Events in a page."""
LOOK_AT = 2_000
"""Positions looked at in one query."""
LOOK_AT_MOST = 20_000
"""Positions looked at for one page; then it is short, and tells where to go on."""

Words = Literal["none", "included", "withheld", "erased"]


class FeedEvent(msgspec.Struct, frozen=True):
    """A fact as integrators get it. ``words``: whether the personal fields are there, and if not, why."""

    position: int
    event_id: UUID
    stream: str
    sequence: int
    conversation_id: str
    """Empty for a person."""
    type: str
    version: int
    recorded_at: datetime
    turn_id: str
    session_id: str
    actor: str
    causation: str
    words: Words
    payload: dict[str, Any]


class Page(msgspec.Struct, frozen=True):
    """``next_after``: go on from here. ``more``: there is more already. ``latest``: the newest position of the log."""

    events: tuple[FeedEvent, ...]
    next_after: int
    more: bool
    latest: int


class View(msgspec.Struct, frozen=True):
    """What of the log somebody sees: their own conversations, or (``everything``) everybody's."""

    person_id: str
    everything: bool = False
    words_of_others: bool = False


def view_of(actor: Actor, *, everything: bool) -> View:
    """Raises `NotAllowed` when the actor may not follow everybody's events."""
    if everything:
        require(actor, "read_feed")
    words = everything and actor.has_perm("conversations.read_words")
    return View(str(actor.pk), everything=everything, words_of_others=words)


def read_page(view: View, after: int, limit: int = 100) -> Page:
    """At most ``limit`` events above position ``after``. Blocking.

    It may hold fewer although there is ``more``: only so much of the log is looked at. Raises `Invalid` when the log
    is not as long as ``after`` says: then it is another log, restored or new, and following it would miss events.
    """
    latest = store.last_position()
    if after > latest:
        raise Invalid(f"The log ends at position {latest}, before {after}: it is not the log you followed. Begin anew.")
    reached, own, found = after, set[str](), list[int]()
    while len(found) < limit and reached < min(latest, after + LOOK_AT_MOST):
        rows = Event.objects.filter(position__gt=reached, position__lte=latest).order_by("position")
        window = list(rows.values_list("position", "stream", "type")[:LOOK_AT])
        if not window:
            break
        mine = _streams_of(view.person_id, {stream for _position, stream, _type in window})
        own |= mine
        seen = [position for position, stream, type_ in window if _visible(view, stream in mine, type_)]
        taken = seen[: limit - len(found)]
        found += taken
        reached = taken[-1] if len(taken) < len(seen) else window[-1][0]
    return Page(tuple(_events(found, view, own)), reached, reached < latest, latest)


def _visible(view: View, own: bool, type_: str) -> bool:
    return view.everything or (own and type_ not in NOT_FOR_THE_OWNER)


def _streams_of(person_id: str, streams: Iterable[str]) -> set[str]:
    """Those of the streams that are the person's own conversations, hidden ones apart."""
    ids = [conversation_of(stream) for stream in streams if is_conversation(stream)]
    own = Conversation.objects.filter(id__in=ids, owner__pk=person_id, hidden=False)
    return {stream_of(str(pk)) for pk in own.values_list("pk", flat=True)}


def is_conversation(stream: str) -> bool:
    return stream.startswith(f"{CATEGORY}-")


def _events(positions: Sequence[int], view: View, own: set[str]) -> Iterable[FeedEvent]:
    if not positions:
        return
    rows = list(Event.objects.filter(position__in=positions).order_by("position"))
    turns: dict[str, set[str]] = {}
    readable = {row.position for row in rows if _readable(view, row, own)}
    for row in rows:
        if row.position in readable:
            turns.setdefault(row.stream, set()).add(decode_metadata(row).correlation)
    rings = rings_of(turns) if turns else {}
    for row in rows:
        if row.position in readable:
            yield _feed_event(decode(row, rings[row.stream]), readable=True)
        else:
            yield _feed_event(decode(row, KeyRing(row.stream)), readable=False)


def _readable(view: View, row: Event, own: set[str]) -> bool:
    if row.stream in own and row.type not in NOT_FOR_THE_OWNER:
        return True
    # What is sealed of a voice, its likeness among it, is for nobody to follow.
    return view.words_of_others and not row.stream.startswith(f"{VOICE}-")


def _feed_event(event: RecordedEvent, *, readable: bool) -> FeedEvent:
    version, payload, words = event.version, event.payload, _words(event, readable=readable)
    try:
        fact = fact_of(event)
    except UnknownFact:
        pass  # Written by a newer program: given as it is.
    else:
        version, payload = fact.version, msgspec.to_builtins(fact)
        if event.redacted:
            payload = {name: value for name, value in payload.items() if name not in fact.personal}
    return FeedEvent(
        position=event.position,
        event_id=event.event_id,
        stream=event.stream,
        sequence=event.sequence,
        conversation_id=conversation_of(event.stream) if is_conversation(event.stream) else "",
        type=event.type,
        version=version,
        recorded_at=event.recorded_at,
        turn_id=event.metadata.correlation,
        session_id=event.metadata.session,
        actor=event.metadata.actor,
        causation=event.metadata.causation,
        words=words,
        payload=payload,
    )


def _words(event: RecordedEvent, *, readable: bool) -> Words:
    if event.redacted:
        return "erased" if readable else "withheld"
    fact = FACTS.get(event.type)
    said = fact is not None and any(event.payload.get(name) for name in fact.personal)
    return "included" if said else "none"
