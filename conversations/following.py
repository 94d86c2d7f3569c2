"""Readers that follow the log by position, at their own pace, each remembering how far it has come.

Positions have no gap and appear in order, so a reader that goes on after its checkpoint misses nothing.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import msgspec
import structlog
from django.db import transaction

from conversations.log import store
from conversations.log.codec import decode, decode_metadata
from conversations.log.crypto import BoxDamaged
from conversations.log.keys import KeyRing
from conversations.log.models import Event
from conversations.log.types import RecordedEvent
from conversations.working_tables import Checkpoint

log = structlog.get_logger(__name__)
WINDOW = 1000
"""Positions read at once."""

Take = Callable[[Sequence[RecordedEvent]], None]


class Window(msgspec.Struct, frozen=True):
    """The wanted events of some positions, in order; ``reached`` is the last of those positions."""

    after: int
    reached: int
    events: tuple[RecordedEvent, ...]


class Overtaken(Exception):
    """Another reader of the same name has taken these events meanwhile."""


def checkpoint(name: str) -> int:
    """The position up to which the reader of that name has taken everything; 0 at first."""
    return Checkpoint.objects.filter(name=name).values_list("position", flat=True).first() or 0


def follow(
    name: str, take: Take, *, types: Collection[str], in_one_transaction: bool = False, for_s: float = 60.0
) -> int:
    """Gives ``take`` what is new, window by window, and moves the checkpoint; returns how many events it was given.

    ``in_one_transaction``: what ``take`` writes commits together with the checkpoint, so each event counts once (it
    must not append to the log then). Otherwise a crash in between gives it the same events once more. Ends with the
    log as it was at the beginning, or after ``for_s`` seconds. Raises what ``take`` raises; the checkpoint stays.
    """
    taken = 0
    until = time.monotonic() + for_s
    for window in windows(checkpoint(name), types=types):
        if in_one_transaction:
            with transaction.atomic():
                if window.events:
                    take(window.events)
                advance(name, window)
        else:
            if window.events:
                take(window.events)
            advance(name, window)
        taken += len(window.events)
        if time.monotonic() >= until:
            break
    return taken


def windows(after: int, *, types: Collection[str]) -> Iterator[Window]:
    """The events of these types above position ``after``, up to what is newest now."""
    end = store.last_position()
    while after < end:
        reached = min(after + WINDOW, end)
        rows = Event.objects.filter(position__gt=after, position__lte=reached, type__in=types)
        yield Window(after, reached, tuple(_decoded(rows.order_by("position"))))
        after = reached


def _decoded(found: Iterable[Event]) -> Iterator[RecordedEvent]:
    rows = list(found)
    turns: dict[str, set[str]] = {}
    for row in rows:
        turns.setdefault(row.stream, set()).add(decode_metadata(row).correlation)
    rings = {stream: KeyRing.load(stream, ids) for stream, ids in turns.items()}
    return (_opened(row, rings[row.stream]) for row in rows)


def _opened(row: Event, ring: KeyRing) -> RecordedEvent:
    """One whose words are damaged comes without them, as if erased: it must not stop who follows."""
    try:
        return decode(row, ring)
    except BoxDamaged:
        log.warning("event_damaged", stream=row.stream, sequence=row.sequence)
        return decode(row, KeyRing(row.stream))


def advance(name: str, window: Window) -> None:
    """Raises `Overtaken`, which undoes what this reader did in the same transaction."""
    Checkpoint.objects.get_or_create(name=name)
    if not Checkpoint.objects.filter(name=name, position=window.after).update(position=window.reached):
        raise Overtaken(f"Another reader named {name} has gone on from position {window.after}.")
