"""A PostgreSQL that goes away and comes back (restarted, failed over, a killed backend) ends no conversation.

Whoever notices connects anew and does its work again. The one case that needs care is a connection that breaks while
COMMIT is under way: then `writer` looks whether the last event of the transaction is stored. The transaction's own id
would not tell: after a crash PostgreSQL gives an id that was lost to another transaction.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections

from conversations.log.errors import LogUnavailable

T = TypeVar("T")

BACK_WITHIN_S = 8.0
"""How long work waits for the database to come back: less than callers wait (`eventlog.TIMEOUT_S`)."""
_LOOK_EVERY_S = 0.1
BROKEN = (OperationalError, InterfaceError)
"""What Django raises when a connection breaks, among other reasons: `Link.is_lost` tells."""


class Link:
    """This thread's connection as it is now: Django puts a new one in its place without a word."""

    def __init__(self) -> None:
        self._wrapper = connections["default"]
        self._connection = self._wrapper.connection

    def connect(self) -> None:
        self._wrapper.ensure_connection()
        self._connection = self._wrapper.connection

    @property
    def is_lost(self) -> bool:
        """Whether it is gone, so that nothing of a transaction that was open will be stored. A file does not go."""
        return self._wrapper.vendor == "postgresql" and (self._connection is None or bool(self._connection.closed))


def persistently(work: Callable[[], T]) -> T:
    """Does ``work``, which only reads; when the connection breaks, again, once the database is back.

    Raises `LogUnavailable` when it does not come back in time.
    """
    until = time.monotonic() + BACK_WITHIN_S
    while True:
        link = Link()
        try:
            link.connect()
            return work()
        except BROKEN:
            if not link.is_lost:
                raise
        connect_again(until)


def connect_again(until: float) -> None:
    """Returns once this thread has a fresh connection. Raises `LogUnavailable` after ``until`` (monotonic)."""
    connection = connections["default"]
    while True:
        connection.close()
        try:
            connection.ensure_connection()
        except BROKEN as error:
            if time.monotonic() > until:
                raise LogUnavailable("The database does not answer; try again when it is back.") from error
            time.sleep(_LOOK_EVERY_S)
        else:
            return
