"""How a statement that is compiled once reaches the database.

PostgreSQL is a process of its own: each answer that is waited for costs two of its turns with this one, and each
statement that it has not seen in this form is planned anew. So statements are prepared there, and those whose answers
nobody needs are sent `together`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper


def fetch(connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of one SELECT."""
    if _is_direct(connection):
        with connection.wrap_database_errors:
            rows: list[tuple[Any, ...]] = _cursor(connection).execute(sql, params, prepare=True).fetchall()
            return rows
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def run(connection: BaseDatabaseWrapper, sql: str, many: Iterable[Sequence[Any]]) -> None:
    """One statement with each of these parameters."""
    if _is_direct(connection):
        with connection.wrap_database_errors:
            cursor = _cursor(connection)
            for params in many:
                cursor.execute(sql, params, prepare=True)
        return
    with connection.cursor() as cursor:
        for params in many:
            cursor.execute(sql, params)


@contextmanager
def together(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """What is `run` inside is waited for once, at the end: there an error of any of them is raised."""
    if not _is_direct(connection):
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def _is_direct(connection: BaseDatabaseWrapper) -> bool:
    """Past Django's cursors, unless somebody counts what goes through them."""
    return connection.vendor == "postgresql" and not connection.queries_logged


def _cursor(connection: BaseDatabaseWrapper) -> Any:
    from django.db.backends.postgresql.base import ServerBindingCursor  # noqa: PLC0415 - psycopg may not be there

    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    return ServerBindingCursor(connection.connection)  # type: ignore[call-arg]  # the stubs take it for a mixin
