"""The triggers that protect the log come back after a migration, and a check says when they are gone or disarmed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.models import TextField

from conversations.log import triggers
from conversations.log.models import Event
from tests.conversations.log_helpers import Rows, append, execute, noted, said, stored_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def before() -> Rows:
    append("test-a", said("one"), noted(2), said("three"), key="key")
    append("test-b", noted(1))
    return stored_rows()


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
        assert stored_rows() == before
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
    assert stored_rows() == before
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
