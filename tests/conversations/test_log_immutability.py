"""The database itself refuses to change an event."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection
from django.db.transaction import atomic
from django.utils import timezone
from uuid6 import uuid7

from conversations.log.models import Event
from tests.conversations.log_helpers import Rows, append, execute, noted, said, stored_rows

pytestmark = pytest.mark.django_db(transaction=True)

_COLUMNS = (
    "position, event_id, stream, sequence, type, version, payload, metadata, idempotency_key, idempotency_mac, "
    "recorded_at, prev_hash, hash"
)
_UPSERT = "ON CONFLICT (position) DO UPDATE SET payload = '{}'"


@pytest.fixture
def before() -> Rows:
    append("test-a", said("one"), noted(2), said("three"), key="key")
    append("test-b", noted(1))
    return stored_rows()


def _refused(before: Rows) -> None:
    assert stored_rows() == before


_FORGED = f"SELECT {_COLUMNS} FROM log_event WHERE position = 2"
_ATTACKS = [
    "UPDATE log_event SET payload = '{}'",
    "UPDATE log_event SET payload = payload WHERE position = 2",
    "DELETE FROM log_event",
    "DELETE FROM log_event WHERE position = 4",
    f"INSERT INTO log_event ({_COLUMNS}) {_FORGED} {_UPSERT}",
    f"INSERT INTO log_event ({_COLUMNS}) {_FORGED} ON CONFLICT DO NOTHING",
]
_ATTACKS_ON_SQLITE = [
    "UPDATE OR REPLACE log_event SET sequence = 1 WHERE position = 2",
    "UPDATE OR IGNORE log_event SET hash = '' WHERE position = 2",
    f"INSERT OR REPLACE INTO log_event ({_COLUMNS}) {_FORGED}",
    f"REPLACE INTO log_event ({_COLUMNS}) SELECT {_COLUMNS} FROM log_event",
    f"INSERT OR IGNORE INTO log_event ({_COLUMNS}) SELECT {_COLUMNS} FROM log_event",
]
_BESIDE_A_DECOY = f"""
    CREATE TEMP TABLE log_event ON COMMIT DROP AS SELECT * FROM public.log_event WHERE position < 2;
    INSERT INTO public.log_event ({_COLUMNS}) SELECT {_COLUMNS} FROM public.log_event WHERE position = 2
"""
_ATTACKS_ON_POSTGRESQL = [
    "TRUNCATE log_event",
    "TRUNCATE log_event RESTART IDENTITY CASCADE",
    "WITH gone AS (DELETE FROM log_event WHERE position = 4 RETURNING *) SELECT * FROM gone",
    "MERGE INTO log_event e USING log_head h ON e.position = h.position WHEN MATCHED THEN DELETE",
    "SET LOCAL session_replication_role = replica; DELETE FROM log_event",
    _BESIDE_A_DECOY,
]


@pytest.mark.parametrize(
    "statement", _ATTACKS + (_ATTACKS_ON_POSTGRESQL if connection.vendor == "postgresql" else _ATTACKS_ON_SQLITE)
)
def test_sql_is_refused(before: Rows, statement: str) -> None:
    with pytest.raises(DatabaseError, match="events can"), atomic():
        execute(statement)
    _refused(before)


def test_the_orm_is_refused(before: Rows) -> None:
    event = Event.objects.get(position=2)
    event.payload = "{}"
    attempts: list[Callable[[], object]] = [
        event.save,
        event.delete,
        Event.objects.all().delete,
        lambda: Event.objects.update(type="other"),
        lambda: Event.objects.bulk_update([event], ["payload"]),
        lambda: Event.objects.bulk_create(
            [event], update_conflicts=True, unique_fields=["position"], update_fields=["payload"]
        ),
    ]
    for attempt in attempts:
        with pytest.raises(DatabaseError, match="events can"):
            attempt()
    _refused(before)


_INSERTS = ["INSERT INTO {}", "INSERT INTO {} ON CONFLICT DO NOTHING"]
_INSERTS_OF_SQLITE = ["INSERT OR REPLACE INTO {}", "INSERT OR IGNORE INTO {}"]


@pytest.mark.parametrize("insert", _INSERTS + ([] if connection.vendor == "postgresql" else _INSERTS_OF_SQLITE))
@pytest.mark.parametrize(
    "change",
    [
        {"position": 6},
        {"position": 2},
        {"position": None},
        {"event_id": "the event's at position 1"},
        {"sequence": 5},
        {"sequence": 3},
        {"prev_hash": "0" * 64},
        {"stream": "test-c"},
        {"idempotency_key": "key"},
    ],
)
def test_an_insert_that_is_not_the_next_is_refused(
    before: Rows, change: dict[str, str | int | None], insert: str
) -> None:
    last = Event.objects.get(position=3)
    new: dict[str, str | int | None] = {
        "position": 5,
        "event_id": uuid7().hex,
        "stream": "test-a",
        "sequence": 4,
        "type": "forged",
        "version": 1,
        "payload": "{}",
        "metadata": "{}",
        "idempotency_key": None,
        "idempotency_mac": "",
        "recorded_at": str(timezone.now()),
        "prev_hash": last.hash,
        "hash": "f" * 64,
    }
    if "event_id" in change:
        change = {"event_id": Event.objects.get(position=1).event_id.hex}
    marks = ", ".join(["%s"] * len(new))

    with pytest.raises(DatabaseError, match="in order"):
        execute(insert.format(f"log_event ({', '.join(new)}) VALUES ({marks})"), *(new | change).values())

    _refused(before)
