"""What the machine has memory for, and the line for a place: told in plain words, and recorded."""

import asyncio

from conversations.events import ReplySpoken, ServiceChanged
from conversations.realtime import host_watch
from inference.types import Queued
from tests.conversations.talker import talking
from tests.fake_engines import FakeEngines


async def test_less_memory_is_told_recorded_and_undone(monkeypatch: object) -> None:
    ready_s, host_watch.READY_S = host_watch.READY_S, 0.05
    try:
        async with talking() as t:
            t.engines.service = "no_clones"
            told = await t.until("avatar.service")
            assert told["level"] == "no_clones"
            assert "built-in voice" in told["message"]
            t.engines.service = "full"
            assert (await t.until("avatar.service"))["level"] == "full"
            await asyncio.sleep(0.05)
    finally:
        host_watch.READY_S = ready_s
    assert [fact.level for fact in t.record.of(ServiceChanged)] == ["no_clones", "full"]


async def test_who_comes_to_a_machine_that_can_only_write_reads_its_answers() -> None:
    engines = FakeEngines()
    engines.service = "text_only"
    async with talking(engines) as t:
        assert (await t.until("avatar.service"))["level"] == "text_only"
        t.write("Hi.")
        t.say("response.create")
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"
        assert done["response"]["output"][0]["content"][0]["transcript"] == "Hello to you. How are you today?"
        heard = await t.until("avatar.heard")
        assert heard["source"] == "text"
    assert engines.spoken == []
    assert len(t.record.of(ReplySpoken)) == 2


async def test_who_waits_for_a_place_is_told_where_in_the_line() -> None:
    engines = FakeEngines()
    engines.queue = (Queued(2, 4, 30.0), Queued(1, 4, None))
    async with talking(engines) as t:
        kinds = [event["type"] for event in t.seen]
        assert kinds[:3] == ["avatar.queue", "avatar.queue", "session.created"]
        assert [(e["position"], e["places"], e["expected_s"]) for e in t.seen[:2]] == [(2, 4, 30.0), (1, 4, None)]
