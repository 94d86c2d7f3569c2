"""What tests of the log share."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from conversations.log import triggers
from conversations.log.eventlog import event_log
from conversations.log.types import Appended, Metadata, NewEvent


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


def append(stream: str, *events: NewEvent, expected: int | None = None, key: str | None = None) -> Appended:
    return event_log().append_now(stream, expected, events, key)


@contextmanager
def triggers_off() -> Iterator[None]:
    """What somebody with the database file in hand can do."""
    with connection.cursor() as cursor:
        for name in triggers.SQLITE:
            cursor.execute(f"DROP TRIGGER {name}")
    try:
        yield
    finally:
        triggers.install()


def execute(sql: str, *params: str | int | None) -> int:
    """Runs one statement; returns how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)
