"""What tests of the log share."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from conversations.log import triggers, triggers_postgresql, triggers_sqlite
from conversations.log.eventlog import event_log
from conversations.log.types import Appended, Metadata, NewEvent
from tests import postgres


def said(text: str, turn: str = "turn-1") -> NewEvent:
    """An event with a person's words in it."""
    return NewEvent(
        type="test.said",
        payload={"item": "item-1", "text": text},
        personal=frozenset({"text"}),
        metadata=Metadata(actor="somebody", session="session-1", correlation=turn),
    )


def noted(value: int = 0, turn: str = "") -> NewEvent:
    """An event with nothing personal."""
    return NewEvent("test.noted", {"value": value}, metadata=Metadata(correlation=turn))


Rows = list[dict[str, str | int | None]]


def stored_rows() -> Rows:
    """The log's table, as it is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM log_event ORDER BY position")
        return [dict(zip((column[0] for column in cursor.description), row, strict=True)) for row in cursor.fetchall()]


def database_url() -> str:
    """The database of this test, for the processes that it starts."""
    name = connection.settings_dict["NAME"]
    return postgres.server().url(str(name)) if connection.vendor == "postgresql" else f"sqlite:///{name}"


def stored_bytes() -> bytes:
    """Everything that the database has written into files.

    Read by another process: to close a file that SQLite has open would drop the locks that this process has on it.
    """
    if connection.vendor == "postgresql":
        execute("CHECKPOINT")
        with connection.cursor() as cursor:
            cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
            (oid,) = cursor.fetchone()
        data = postgres.server().folder / "data"
        files = [*(data / "base" / str(oid)).iterdir(), *(data / "pg_wal").iterdir()]
    else:
        name = Path(str(connection.settings_dict["NAME"]))
        files = list(name.parent.glob(name.name + "*"))
    return subprocess.run(["cat", *filter(Path.is_file, files)], capture_output=True, check=True).stdout


def append(stream: str, *events: NewEvent, expected: int | None = None, key: str | None = None) -> Appended:
    return event_log().append_now(stream, expected, events, key)


@contextmanager
def triggers_off() -> Iterator[None]:
    """What somebody with the database file in hand can do."""
    with connection.cursor() as cursor:
        drop_triggers(cursor)
    try:
        yield
    finally:
        triggers.install()


def drop_triggers(cursor: Any) -> None:
    """Takes away what protects the log; the program itself has no way to do so."""
    if connection.vendor == "postgresql":
        for trigger in triggers_postgresql.TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name} ON {trigger.table}")
    else:
        for name in triggers_sqlite.TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def execute(sql: str, *params: str | int | None) -> int:
    """Runs one statement; returns how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def forge_highest_position(position: int) -> None:
    """Makes the database forget that it ever gave a higher one (with the triggers off)."""
    if connection.vendor == "postgresql":
        execute("UPDATE log_mark SET position = %s", position)
    else:
        execute("UPDATE sqlite_sequence SET seq = %s WHERE name = 'log_event'", position)
