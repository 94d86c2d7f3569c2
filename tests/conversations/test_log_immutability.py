"""The database itself refuses to change an event."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.models import TextField
from django.db.transaction import atomic
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


@contextmanager
def _remade() -> Iterator[None]:
    """The table as it is after a migration that remakes it: SQLite does so itself to alter a column."""
    if connection.vendor == "postgresql":
        execute("ALTER TABLE log_event RENAME TO log_event_before")
        execute("CREATE TABLE log_event (LIKE log_event_before INCLUDING ALL)")
        execute("INSERT INTO log_event SELECT * FROM log_event_before")
        yield
        execute("DROP TABLE log_event")
        execute("ALTER TABLE log_event_before RENAME TO log_event")
        return
    standing, altered = Event._meta.get_field("type"), TextField(default="x")
    altered.set_attributes_from_name("type")
    for old, new in ((standing, altered), (altered, standing)):
        with connection.schema_editor() as editor:
            editor.alter_field(Event, old, new)
    yield


def _messages() -> list[str | None]:
    return [message.id for message in run_checks() if message.id and message.id.startswith("log.")]


def test_a_migration_that_remakes_the_table_gets_its_triggers_back(before: Rows) -> None:
    of_events = [name for name in triggers.names() if name.startswith("log_event")]
    with _remade():
        assert triggers.missing() == of_events, "remaking the table took them away"
        assert _messages() == ["log.E002"]

        call_command("migrate", verbosity=0)

        assert triggers.missing() == []
        assert _messages() == []
        _refused(before)
        with pytest.raises(DatabaseError, match=r"cannot be (changed or )?deleted"):
            execute("DELETE FROM log_event")
        append("test-b", noted(2), expected=1)


_SQLITE_DISARMED = [
    (
        [
            "DROP TRIGGER log_event_no_delete",
            "CREATE TRIGGER log_event_no_delete BEFORE DELETE ON log_event BEGIN SELECT 1; END",
        ],
        ["log_event_no_delete"],
    ),
    (["DROP TRIGGER log_event_only_next"], ["log_event_only_next"]),
]
_ALWAYS = "ALTER TABLE log_event ENABLE ALWAYS TRIGGER log_event_no_update"
_POSTGRESQL_DISARMED = [
    (
        [
            """CREATE OR REPLACE FUNCTION log_event_refuse() RETURNS trigger LANGUAGE plpgsql
            SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NULL; END'"""
        ],
        ["log_event_no_update", "log_event_no_delete", "log_event_no_truncate"],
    ),
    (["ALTER FUNCTION log_event_only_next() SET search_path = elsewhere"], ["log_event_only_next"]),
    (["ALTER TABLE log_event DISABLE TRIGGER log_event_no_delete"], ["log_event_no_delete"]),
    (["ALTER TABLE log_event ENABLE TRIGGER log_event_no_delete"], ["log_event_no_delete"]),
    (["DROP TRIGGER log_event_no_truncate ON log_event"], ["log_event_no_truncate"]),
    (
        [
            """CREATE OR REPLACE TRIGGER log_event_no_update BEFORE UPDATE OF payload ON log_event
            EXECUTE FUNCTION log_event_refuse()""",
            _ALWAYS,
        ],
        ["log_event_no_update"],
    ),
    (
        [
            """CREATE OR REPLACE TRIGGER log_event_no_update BEFORE UPDATE ON log_event
            WHEN (false) EXECUTE FUNCTION log_event_refuse()""",
            _ALWAYS,
        ],
        ["log_event_no_update"],
    ),
    (["DROP TABLE log_mark"], ["log_mark_only_up", "log_mark_no_truncate", "log_mark"]),
    (
        ["ALTER TABLE log_mark DISABLE TRIGGER USER", "DELETE FROM log_mark"],
        ["log_mark_only_up", "log_mark_no_truncate", "log_mark"],
    ),
]


@pytest.mark.parametrize(
    ("statements", "missing"), _POSTGRESQL_DISARMED if connection.vendor == "postgresql" else _SQLITE_DISARMED
)
def test_a_trigger_that_was_disarmed_counts_as_missing(before: Rows, statements: list[str], missing: list[str]) -> None:
    for statement in statements:
        execute(statement)
    assert triggers.missing() == missing
    assert _messages() == ["log.E002"]

    call_command("migrate", verbosity=0)

    assert triggers.missing() == []
    _refused(before)
    append("test-a", noted(), expected=3)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps its own note of the highest position")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_mark SET position = 1",
        "UPDATE log_mark SET position = position + 2",
        "DELETE FROM log_mark",
        "TRUNCATE log_mark",
        "INSERT INTO log_mark (position) VALUES (1)",
        "INSERT INTO log_mark (position) VALUES (1) ON CONFLICT (one) DO UPDATE SET position = 1",
    ],
)
def test_the_mark_only_goes_up(before: Rows, statement: str) -> None:
    with pytest.raises(DatabaseError):
        execute(statement)
    assert triggers.highest_position_given() == len(before)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's are set with the connection")
def test_a_database_that_confirms_before_it_has_written_is_an_error() -> None:
    assert _messages() == []
    execute("SET synchronous_commit = off")
    try:
        assert _messages() == ["log.E003"]
    finally:
        execute("RESET synchronous_commit")
