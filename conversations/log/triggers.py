"""Immutability in the database itself: triggers that refuse every change of an event.

On both databases an insert is refused unless it is the next one: the next position, the next sequence of its stream,
linked to the hash before it, with an id and an idempotency key that are new. This is also what stops SQLite's
INSERT OR REPLACE, which would delete the old row without firing the delete trigger.
"""

from types import ModuleType

from django.db import connection, transaction

from conversations.log import triggers_postgresql, triggers_sqlite

TABLE = triggers_sqlite.TABLE


def _here() -> ModuleType:
    return triggers_postgresql if connection.vendor == "postgresql" else triggers_sqlite


def names() -> list[str]:
    """What protects the log on this database."""
    ours: tuple[str, ...] = _here().NAMES
    return list(ours)


def missing() -> list[str]:
    """Names of triggers (and on PostgreSQL the mark) that are not in the database or are not what they should be."""
    with connection.cursor() as cursor:
        found: list[str] = _here().missing(cursor)
        return found


def install() -> None:
    """Puts all triggers in place, replacing what is there under their names."""
    with transaction.atomic(), connection.cursor() as cursor:
        _here().install(cursor)


def table_exists() -> bool:
    with connection.cursor() as cursor:
        return TABLE in connection.introspection.table_names(cursor)


def last_position() -> int:
    """The position of the newest event of all streams, for the next one to follow; 0 when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_here().LAST_POSITION)
        return cursor.fetchone()[0] or 0


def ends() -> str:
    """SQL for sequence and hash of a stream's end (NULL when it has none) and the last position of all streams."""
    last: str = _here().LAST_POSITION
    return f"SELECT h.sequence, h.hash, ({last}) FROM (SELECT 1) one LEFT JOIN log_head h ON h.stream = %s"  # noqa: S608


def highest_position_given() -> int | None:
    """The highest position ever given, also when its row is gone; None when the database does not know."""
    with connection.cursor() as cursor:
        given: int | None = _here().highest_position_given(cursor)
        return given
