"""PostgreSQL goes away and comes back: nothing is lost, nothing is stored twice, and nobody has to ask again."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from conversations.log import outage, store
from conversations.log.errors import LogUnavailable, WrongSequence
from conversations.log.eventlog import EventLog
from conversations.log.models import Event
from conversations.log.threads import Threads
from conversations.log.verify import verify
from conversations.log.writer import Writer
from tests.conversations.log_helpers import append, execute, noted

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="a file does not go away"),
]


def backend() -> int:
    """The process that serves the calling thread."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


async def test_connections_that_were_ended_meanwhile_are_made_anew() -> None:
    log = EventLog()
    try:
        await log.append("test-a", None, [noted(1)])
        ended = [await log.write(backend), await log.read(backend), await log.read(backend)]
        for pid in set(ended):
            assert await asyncio.to_thread(end, pid)
        assert (await log.append("test-a", 1, [noted(2)])).last == 2
        assert [len(await log.read_stream("test-a")) for _ in range(4)] == [2] * 4
        assert await log.write(backend) not in ended
    finally:
        await asyncio.to_thread(log.close)


def end(pid: int) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
            return bool(cursor.fetchone()[0])
    finally:
        connection.close()


def test_a_connection_that_breaks_in_the_middle_of_a_batch_costs_nobody_anything() -> None:
    gate, once = threading.Event(), iter([True])
    writer = Writer()

    def breaking() -> None:
        store.append("test-a", None, [noted(100)])
        if next(once, False):
            connections["default"].connection.close()

    try:
        writer.submit(lambda: gate.wait(10))
        before = writer.submit(lambda: store.append("test-a", None, [noted(1)]))
        broken = writer.submit(breaking)
        refused = writer.submit(lambda: store.append("test-a", 99, [noted()]))
        after = writer.submit(lambda: store.append("test-a", None, [noted(2)]))
        gate.set()
        assert (before.result(20).last, broken.result(20), after.result(20).last) == (1, None, 3)
        with pytest.raises(WrongSequence):
            refused.result(20)
    finally:
        writer.close()
    assert Event.objects.count() == 3
    assert verify().breaks == []


@pytest.mark.parametrize("committed", [True, False])
def test_a_connection_that_breaks_during_commit_stores_once(monkeypatch: pytest.MonkeyPatch, committed: bool) -> None:
    """Whether the server had committed before its answer was lost, or not."""
    commit: Callable[[Any], None] = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]
    once = iter([True])

    def lose(self: Any) -> None:
        if threading.current_thread().name == "log-writer" and next(once, False):
            if committed:
                commit(self)
            self.connection.close()
            raise OperationalError("server closed the connection unexpectedly")
        commit(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", lose)
    appended = append("test-a", noted(1), noted(2), expected=0)
    assert next(once, None) is None, "it was lost"
    assert (appended.first, appended.last) == (1, 2)
    assert [event.event_id for event in store.read_stream("test-a")] == list(appended.event_ids)
    assert append("test-a", noted(3), expected=2).last == 3


def test_a_database_that_stays_away_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "BACK_WITHIN_S", 0.2)
    monkeypatch.setattr("conversations.log.writer.BACK_WITHIN_S", 0.2)
    writer, readers = Writer(), Threads("test", threads=1)

    def gone() -> None:
        mine = connections["default"]
        mine.ensure_connection()
        mine.settings_dict = {**mine.settings_dict, "HOST": "/nowhere"}
        mine.connection.close()
        execute("SELECT 1")

    waiting: list[Future[Any]] = [writer.submit(gone), readers.submit(gone)]
    try:
        for future in waiting:
            with pytest.raises(LogUnavailable, match="try again") as error:
                future.result(20)
            assert not error.value.permanent
    finally:
        writer.close()
        readers.close()
