"""Appending and reading, inside a transaction that the caller opened (see `writer`)."""

import hmac
from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone
from uuid6 import uuid7

from conversations.log import projectors, statements, triggers, triggers_postgresql
from conversations.log.chain import GENESIS, compute_hash
from conversations.log.codec import canonical, content_mac, decode, decode_metadata, encode_payload
from conversations.log.errors import IdempotencyMismatch, KeyDestroyed, WrongSequence
from conversations.log.keys import KeyRing
from conversations.log.models import Event, Head, Purpose
from conversations.log.prepared import Insert, Select
from conversations.log.types import Appended, NewEvent, RecordedEvent

ANY = None
"""``expected_sequence`` for facts that are true whatever came before them."""
_head = Select(Head, "stream")
_repeated = Select(Event, "stream", "idempotency_key")
_insert = Insert(Event)
_advance = Insert(Head, key=("stream",))
_ADVISORY_LOCK = 0x4156_4154_4C4F_4721


def serialise() -> int:
    """Makes this transaction the only one that appends, so that positions have no gap and appear in order.

    On SQLite the IMMEDIATE transaction does it already. Returns the last position so far, for `finish`.
    """
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
    return last_position()


def finish(before: int) -> UUID | None:
    """The last step of a transaction that appends: PostgreSQL is told how far the positions went.

    Returns the last event that was appended in it, since position ``before``: when the connection breaks during
    COMMIT, whether this event is stored tells whether the transaction is.
    """
    if connection.vendor != "postgresql":
        return None
    statements.run(connection, triggers_postgresql.MOVE_MARK, [()])
    newest = statements.fetch(connection, triggers_postgresql.NEWEST, [before])
    return newest[0][0] if newest else None


def is_stored(event_id: UUID) -> bool:
    return Event.objects.filter(event_id=event_id).exists()


def append(
    stream: str,
    expected_sequence: int | None,
    events: Sequence[NewEvent],
    idempotency_key: str | None = None,
) -> Appended:
    """Appends ``events`` to the stream, all or none, and writes the read models with them.

    ``expected_sequence`` is the stream's last sequence as the caller knows it (0: no event yet), or `ANY`.
    Raises `WrongSequence`, `IdempotencyMismatch`, `KeyDestroyed`, or what a projector raises.
    """
    if not events:
        raise ValueError("an append needs at least one event")
    ring = KeyRing.load(stream, {event.metadata.correlation for event in events})
    if idempotency_key is not None and (first := _find_repeated(stream, idempotency_key, events, ring)) is not None:
        return first
    head, position = _ends(stream)
    if expected_sequence is not ANY and head.sequence != expected_sequence:
        raise WrongSequence(stream, expected_sequence, head.sequence)
    if head.sequence == 0:
        ring.stream_key(create=True)
    mac = content_mac(events, ring, create=True) if idempotency_key is not None else ""
    rows = _rows(head, position, events, ring)
    if idempotency_key is not None:
        rows[0].idempotency_key, rows[0].idempotency_mac = idempotency_key, mac
    _link(rows, head.hash)
    with statements.together(connection):
        _insert(rows)
        _advance([Head(stream=stream, sequence=rows[-1].sequence, position=rows[-1].position, hash=rows[-1].hash)])
    projectors.project([_recorded(row, event) for row, event in zip(rows, events, strict=True)], ring)
    return Appended(rows[0].sequence, rows[-1].sequence, tuple(row.event_id for row in rows))


def _find_repeated(stream: str, key: str, events: Sequence[NewEvent], ring: KeyRing) -> Appended | None:
    first = _repeated.first(stream, key)
    if first is None:
        return None
    try:
        mac = content_mac(events, ring, create=False)
    except KeyDestroyed as error:
        raise IdempotencyMismatch(
            f"The idempotency key was used in {stream} before, for words that were erased since."
        ) from error
    if not hmac.compare_digest(mac, first.idempotency_mac):
        raise IdempotencyMismatch(
            f"The idempotency key was used in {stream} before (sequence {first.sequence}) with other content."
        )
    last = first.sequence + len(events) - 1
    rows = Event.objects.filter(stream=stream, sequence__range=(first.sequence, last)).order_by("sequence")
    return Appended(first.sequence, last, tuple(rows.values_list("event_id", flat=True)), repeated=True)


def _ends(stream: str) -> tuple[Head, int]:
    """The end of the stream and the last position of all streams, in one question."""
    [(sequence, hash_, position)] = statements.fetch(connection, triggers.ends(), [stream])
    return Head(stream=stream, sequence=sequence or 0, position=0, hash=hash_ or GENESIS), position or 0


def _rows(head: Head, position: int, events: Sequence[NewEvent], ring: KeyRing) -> list[Event]:
    now = timezone.now()
    return [
        _row(head.stream, head.sequence + step, position + step, event, ring, now)
        for step, event in enumerate(events, start=1)
    ]


def _row(stream: str, sequence: int, position: int, event: NewEvent, ring: KeyRing, now: datetime) -> Event:
    event_id = UUID(int=uuid7().int)
    key = ring.data_key(event.metadata.correlation, Purpose.WORDS, create=True) if event.personal else None
    metadata = event.metadata
    return Event(
        position=position,
        event_id=event_id,
        stream=stream,
        sequence=sequence,
        type=event.type,
        version=event.version,
        payload=encode_payload(event, event_id, key),
        metadata=canonical({name: value for name in metadata.__struct_fields__ if (value := getattr(metadata, name))}),
        recorded_at=now,
    )


def _link(rows: Sequence[Event], previous: str) -> None:
    for row in rows:
        row.prev_hash = previous
        previous = row.hash = compute_hash(row)


def _recorded(row: Event, event: NewEvent) -> RecordedEvent:
    return RecordedEvent(
        position=row.position,
        event_id=row.event_id,
        stream=row.stream,
        sequence=row.sequence,
        type=row.type,
        version=row.version,
        payload=dict(event.payload),
        metadata=event.metadata,
        recorded_at=row.recorded_at,
    )


def last_position() -> int:
    """The position of the newest event of all streams; 0 when there is none."""
    return triggers.last_position()


def last_sequence(stream: str) -> int:
    """The stream's last sequence; 0 when it has no event."""
    head = _head.first(stream)
    return head.sequence if head is not None else 0


def read_stream(stream: str, after: int = 0, limit: int | None = None) -> list[RecordedEvent]:
    """The stream's events with a sequence above ``after``, in order."""
    rows = Event.objects.filter(stream=stream, sequence__gt=after).order_by("sequence")
    events = list(rows if limit is None else rows[:limit])
    if not events:
        return []
    # Of a piece of a long conversation only the keys of its turns.
    some = limit is not None or after > 0
    ring = KeyRing.load(stream, {decode_metadata(row).correlation for row in events} if some else None)
    return [decode(row, ring) for row in events]


def read_all(after: int = 0, page: int = 500) -> Iterator[RecordedEvent]:
    """Every event of every stream with a position above ``after``, in order, read page by page."""
    while rows := list(Event.objects.filter(position__gt=after).order_by("position")[:page]):
        rings = {stream: KeyRing.load(stream) for stream in {row.stream for row in rows}}
        for row in rows:
            yield decode(row, rings[row.stream])
        after = rows[-1].position
