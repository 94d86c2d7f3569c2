"""Appending: order, conflicts, idempotency keys, many writers at once."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic

from conversations.log import keys, store
from conversations.log.errors import IdempotencyMismatch, LogBusy, LogClosed, LogTimeout, WrongSequence
from conversations.log.eventlog import EventLog, event_log
from conversations.log.models import Event
from conversations.log.threads import Threads
from conversations.log.writer import Writer
from tests.conversations.log_helpers import append, execute, noted, said

pytestmark = pytest.mark.django_db(transaction=True)


def test_sequences_have_no_gap_and_events_come_back_in_order() -> None:
    first = append("test-a", said("one"), said("two"), expected=0)
    second = append("test-a", said("three"), expected=2)

    assert (first.first, first.last, second.first, second.last) == (1, 2, 3, 3)
    events = store.read_stream("test-a")
    assert [(event.sequence, event.payload["text"]) for event in events] == [(1, "one"), (2, "two"), (3, "three")]
    assert [event.event_id for event in events] == [*first.event_ids, *second.event_ids]
    assert events[0].metadata.actor == "somebody"
    assert [event.sequence for event in store.read_stream("test-a", after=1, limit=1)] == [2]


def test_an_unexpected_sequence_is_a_conflict_and_stores_nothing() -> None:
    append("test-a", noted(1))

    with pytest.raises(WrongSequence) as conflict:
        append("test-a", noted(2), expected=0)

    assert (conflict.value.expected, conflict.value.actual) == (0, 1)
    assert Event.objects.count() == 1


def test_only_one_of_those_who_expect_the_same_sequence_wins() -> None:
    def attempt(value: int) -> bool:
        try:
            append("test-a", noted(value), expected=0)
        except WrongSequence:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


def test_a_repeated_idempotency_key_returns_the_first_result() -> None:
    first = append("test-a", said("hello"), said("again"), key="once")
    append("test-a", said("in between"))

    repeated = append("test-a", said("hello"), said("again"), key="once")

    assert repeated.repeated
    assert not first.repeated
    assert (repeated.first, repeated.last, repeated.event_ids) == (1, 2, first.event_ids)
    assert Event.objects.count() == 3


@pytest.mark.parametrize("events", [(said("other"),), (said("hello"), said("more")), (said("hello", turn="turn-2"),)])
def test_an_idempotency_key_with_other_content_is_refused(events: tuple[object, ...]) -> None:
    append("test-a", said("hello"), key="once")

    with pytest.raises(IdempotencyMismatch):
        append("test-a", *events, key="once")  # type: ignore[arg-type]

    assert Event.objects.count() == 1


def test_an_idempotency_key_belongs_to_its_stream() -> None:
    append("test-a", said("hello"), key="once")
    assert not append("test-b", said("hello"), key="once").repeated


def test_an_idempotency_key_cannot_be_compared_after_erasure() -> None:
    append("test-a", said("hello"), key="once")
    event_log().write_now(lambda: keys.destroy("test-a", "turn-1"))

    with pytest.raises(IdempotencyMismatch, match="erased"):
        append("test-a", said("hello"), key="once")


def test_waiting_appends_share_a_transaction_and_fail_alone() -> None:
    gate = threading.Event()
    writer = Writer()
    try:
        blocked = writer.submit(lambda: gate.wait(10))
        good = [writer.submit(partial(store.append, "test-a", None, [noted(value)])) for value in range(5)]
        bad = writer.submit(lambda: store.append("test-a", 99, [noted()]))
        odd = writer.submit(lambda: execute("DELETE FROM log_event"))
        last = writer.submit(lambda: store.append("test-a", None, [noted(5)]))
        gate.set()
        assert blocked.result(10)
        assert [future.result(10).last for future in good] == [1, 2, 3, 4, 5]
        with pytest.raises(WrongSequence):
            bad.result(10)
        with pytest.raises(IntegrityError, match=r"cannot be (changed or )?deleted"):
            odd.result(10)
        assert last.result(10).last == 6
    finally:
        writer.close()


@pytest.mark.parametrize("make", [Writer, lambda: Threads("test")])
@pytest.mark.parametrize("together", [False, True])
def test_what_would_end_a_thread_fails_its_call_alone(make: Callable[[], Writer | Threads], *, together: bool) -> None:
    """``SystemExit`` of a library, say: the thread lives on, or nothing would be written any more."""
    worker, gate = make(), threading.Event()

    def leave() -> None:
        raise SystemExit

    waits = [worker.submit(partial(gate.wait, 10)) for _ in range(2 if together else 0)]
    ended, after = worker.submit(leave), worker.submit(lambda: "written")
    gate.set()
    try:
        with pytest.raises(SystemExit):
            ended.result(10)
        assert after.result(10) == "written"
        assert all(wait.result(10) for wait in waits)
    finally:
        worker.close()


def test_a_commit_broken_by_one_write_stores_the_others() -> None:
    """A foreign key is checked at the commit that many writes share."""
    gate = threading.Event()
    writer = Writer()
    orphan = "INSERT INTO avatar_project_user_groups (user_id, group_id) VALUES (%s, 1000000)"
    try:
        writer.submit(lambda: gate.wait(10))
        before = writer.submit(lambda: store.append("test-a", None, [noted(1)]))
        broken = writer.submit(lambda: execute(orphan, "1" * 32))
        after = writer.submit(lambda: store.append("test-a", None, [noted(2)]))
        gate.set()
        assert (before.result(10).last, after.result(10).last) == (1, 2)
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
            broken.result(10)
    finally:
        writer.close()


def test_a_write_that_waits_can_be_taken_back() -> None:
    gate = threading.Event()
    writer = Writer()
    try:
        writer.submit(lambda: gate.wait(10))
        waiting = writer.submit(lambda: store.append("test-a", None, [noted()]))
        assert waiting.cancel()
        gate.set()
    finally:
        writer.close()
    assert Event.objects.count() == 0


@pytest.mark.parametrize("make", [lambda: Writer(max_waiting=2), lambda: Threads("test", threads=1, max_waiting=2)])
def test_a_full_queue_says_so_at_once_and_a_closed_one_too(make: type[Writer]) -> None:
    gate, begun = threading.Event(), threading.Event()
    threads = make()

    def hold() -> bool:
        begun.set()
        return gate.wait(10)

    try:
        threads.submit(hold)
        assert begun.wait(10)
        waiting = [threads.submit(lambda: 1), threads.submit(lambda: 2)]
        with pytest.raises(LogBusy):
            threads.submit(lambda: 3)
    finally:
        gate.set()
        threads.close()
    assert [future.result(0) for future in waiting] == [1, 2], "what waits is carried out before the end"
    with pytest.raises(LogClosed):
        threads.submit(lambda: 4)


async def test_a_caller_waits_only_so_long() -> None:
    gate = threading.Event()
    log = EventLog(timeout_s=0.05)
    try:
        with pytest.raises(LogTimeout):
            await log.write(lambda: gate.wait(10))
    finally:
        gate.set()
        await asyncio.to_thread(log.close)


def test_it_refuses_to_wait_for_the_writer_inside_a_transaction() -> None:
    with atomic(), pytest.raises(RuntimeError, match=r"outside of transaction.atomic"):
        append("test-a", noted())
