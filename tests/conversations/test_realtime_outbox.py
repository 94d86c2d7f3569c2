"""Events leave in order, and none before its facts are durable."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from conversations.events import Fact, ReplyFinished, UserSpoke
from conversations.realtime.outbox import Outbox, Overflow
from conversations.realtime.protocol.server_events import AudioCleared, error_event
from tests.conversations.talker import MemoryRecord


def fact(name: str) -> Fact:
    return ReplyFinished(response_id=name, status="completed")


@asynccontextmanager
async def writing(record: MemoryRecord, limit: int = 100) -> AsyncIterator[tuple[Outbox, list[str]]]:
    sent: list[str] = []

    async def send(text: str) -> None:
        event = json.loads(text)
        sent.append(event.get("error", {}).get("code") or event["type"])

    outbox = Outbox(send, limit=limit)
    outbox.record = record
    writer = asyncio.create_task(outbox.run())
    try:
        yield outbox, sent
    finally:
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer


async def test_events_wait_for_the_facts_before_them() -> None:
    record = MemoryRecord()
    record.durable.clear()
    async with writing(record) as (outbox, sent):
        outbox.emit(error_event("first", ""))
        outbox.emit(error_event("second", ""), facts=(fact("a"),), turn_id="t")
        outbox.emit(error_event("third", ""))
        await asyncio.sleep(0.02)
        assert "second" not in sent
        assert "third" not in sent
        record.durable.set()
        await outbox.drained()
        assert sent == ["first", "second", "third"]


async def test_facts_that_come_together_share_a_commit() -> None:
    record = MemoryRecord()
    commits: list[int] = []
    append = record.append

    async def counted(*facts: Fact, turn_id: str, idempotency_key: str | None = None) -> int:
        commits.append(len(facts))
        return await append(*facts, turn_id=turn_id)

    record.append = counted  # type: ignore[method-assign]
    async with writing(record) as (outbox, _):
        for name in "abc":
            outbox.emit(AudioCleared(), facts=(fact(name),), turn_id="t")
        outbox.emit(AudioCleared(), facts=(fact("d"),), turn_id="other")
        await outbox.drained()
    assert commits == [3, 1]


async def test_facts_that_are_known_later_keep_their_place() -> None:
    record = MemoryRecord()
    stored = asyncio.Event()

    async def later() -> Sequence[Fact]:
        await stored.wait()
        return (UserSpoke(item_id="i", audio_id="x", duration_ms=1),)

    async with writing(record) as (outbox, sent):
        outbox.emit(error_event("committed", ""), after=later(), turn_id="t")
        outbox.emit(error_event("answer", ""), facts=(fact("a"),), turn_id="t")
        await asyncio.sleep(0.02)
        assert not sent
        stored.set()
        await outbox.drained()
        assert sent == ["committed", "answer"]
    assert [type(f).__name__ for _, f in record.facts] == ["UserSpoke", "ReplyFinished"]


async def test_a_client_that_does_not_read_is_noticed() -> None:
    record = MemoryRecord()
    record.durable.clear()
    async with writing(record, limit=3) as (outbox, _):
        for _ in range(3):
            outbox.emit(AudioCleared(), facts=(fact("a"),), turn_id="t")
        with pytest.raises(Overflow):
            outbox.emit(AudioCleared())
