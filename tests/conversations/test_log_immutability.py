"""The database itself refuses to change an event."""

from collections.abc import Callable

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.models import TextField
from django.utils import timezone
from uuid6 import uuid7

from conversations.log import triggers
from conversations.log.models import Event
from tests.conversations.log_helpers import append, execute, noted, said

pytestmark = pytest.mark.django_db(transaction=True)

Rows = list[dict[str, str | int | None]]
_COLUMNS = (
    "position, event_id, stream, sequence, type, version, payload, metadata, idempotency_key, idempotency_mac, "
    "recorded_at, prev_hash, hash"
)
_UPSERT = "ON CONFLICT (position) DO UPDATE SET payload = '{}'"


@pytest.fixture
def before() -> Rows:
    append("test-a", said("one"), noted(2), said("three"), key="key")
    append("test-b", noted(1))
    return _stored()


def _stored() -> Rows:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM log_event ORDER BY position")
        return [dict(zip((column[0] for column in cursor.description), row, strict=True)) for row in cursor.fetchall()]


def _refused(before: Rows) -> None:
    assert _stored() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_event SET payload = '{}'",
        "UPDATE OR REPLACE log_event SET sequence = 1 WHERE position = 2",
        "UPDATE OR IGNORE log_event SET hash = '' WHERE position = 2",
        "DELETE FROM log_event",
        "DELETE FROM log_event WHERE position = 4",
        f"INSERT OR REPLACE INTO log_event ({_COLUMNS}) SELECT {_COLUMNS} FROM log_event WHERE position = 2",
        f"REPLACE INTO log_event ({_COLUMNS}) SELECT {_COLUMNS} FROM log_event",
        f"INSERT OR IGNORE INTO log_event ({_COLUMNS}) SELECT {_COLUMNS} FROM log_event",
        f"INSERT INTO log_event ({_COLUMNS}) SELECT {_COLUMNS} FROM log_event WHERE position = 2 {_UPSERT}",
    ],
)
def test_sql_is_refused(before: Rows, statement: str) -> None:
    with pytest.raises(DatabaseError, match="events can"):
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


@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE"])
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
    before: Rows, change: dict[str, str | int | None], verb: str
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
        execute(f"{verb} INTO log_event ({', '.join(new)}) VALUES ({marks})", *(new | change).values())

    _refused(before)


def test_a_migration_that_remakes_the_table_gets_its_triggers_back(before: Rows) -> None:
    altered = TextField(default="x")
    altered.set_attributes_from_name("type")
    with connection.schema_editor() as editor:
        editor.alter_field(Event, Event._meta.get_field("type"), altered)
    assert triggers.missing() == list(triggers.SQLITE), "remaking the table took them away"
    assert [message.id for message in run_checks() if message.id and message.id.startswith("log.")] == ["log.E002"]
    with connection.schema_editor() as editor:
        editor.alter_field(Event, altered, Event._meta.get_field("type"))

    call_command("migrate", verbosity=0)

    assert triggers.missing() == []
    assert [message for message in run_checks() if message.id and message.id.startswith("log.")] == []
    _refused(before)
    with pytest.raises(DatabaseError, match="cannot be deleted"):
        execute("DELETE FROM log_event")


def test_a_trigger_that_was_emptied_counts_as_missing() -> None:
    execute("DROP TRIGGER log_event_no_delete")
    execute("CREATE TRIGGER log_event_no_delete BEFORE DELETE ON log_event BEGIN SELECT 1; END")
    assert triggers.missing() == ["log_event_no_delete"]
    triggers.install()
    assert triggers.missing() == []
