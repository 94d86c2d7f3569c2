"""The record says when each utterance began and when each answer was first heard, so that it can be heard again."""

import asyncio
import time

from conversations.events import ReplyHeard, UserSpoke
from tests.conversations.talker import MemoryRecord, Talker, loud, quiet, talking
from tests.fake_engines import FakeEngines

LONG = "The first sentence is a long one. The second sentence is even longer than that. And then a third follows."
STOPS = {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 300}}}


def slow_voice() -> FakeEngines:
    engines = FakeEngines(replies=[LONG])
    engines.seconds_per_letter = 0.1
    return engines


def now_ms() -> float:
    return time.time() * 1000


async def test_an_utterance_began_as_long_ago_as_it_is_long() -> None:
    async with talking() as t:
        t.configure(audio=STOPS)
        t.hear(quiet(1.0) + loud(0.8) + quiet(0.6))
        await t.until("input_audio_buffer.committed")
        spoke = t.record.of(UserSpoke)[0]
        assert spoke.began_at_ms is not None
        # All of it came at once: it has been spoken by now, and the silence that ended it too.
        ended = spoke.began_at_ms + spoke.duration_ms
        assert 0 <= now_ms() - ended < 900


async def test_a_held_button_is_as_long_ago_as_what_was_said() -> None:
    async with talking() as t:
        t.configure(audio={"input": {"turn_detection": None}})
        t.hear(loud(1.0))
        t.say("input_audio_buffer.commit")
        await t.until("input_audio_buffer.committed")
        spoke = t.record.of(UserSpoke)[0]
        assert spoke.began_at_ms is not None
        assert 1000 <= now_ms() - spoke.began_at_ms < 1500


async def asked(t: Talker) -> None:
    t.write("Talk.")
    t.say("response.create")
    await t.until("response.output_audio.delta")


async def test_an_answer_began_when_its_first_sound_was_played() -> None:
    async with talking(FakeEngines(replies=["Yes."])) as t:
        before = now_ms()
        await asked(t)
        after = now_ms()
        await t.until("avatar.heard")
    heard = t.record.of(ReplyHeard)[0]
    assert before <= heard.began_at_ms + 1
    assert heard.began_at_ms <= after + 1
    assert heard.pauses == ()


async def test_the_stored_sound_holds_what_was_sent_and_not_heard() -> None:
    record = MemoryRecord()
    async with talking(slow_voice(), record=record) as t:
        await asked(t)
        t.hear(loud(0.7))
        await t.until("avatar.heard")
    heard = record.of(ReplyHeard)[0]
    assert not heard.complete
    assert heard.sound_ms > heard.audio_ms
    assert len(record.sounds[heard.audio_id]) == heard.sound_ms * 48


async def test_a_hold_that_lets_the_player_run_dry_is_a_pause_in_the_answer() -> None:
    async with talking(slow_voice()) as t:
        t.engines.seconds_per_letter = 0.02
        await asked(t)
        t.hear(loud(0.25))  # suspected: nothing is sent until it is known
        await asyncio.sleep(2.5)  # longer than the listener has sound for
        t.hear(quiet(1.0))
        resumed = now_ms()
        await t.until("avatar.heard", within_s=15)
    heard = t.record.of(ReplyHeard)[0]
    assert heard.complete
    assert len(heard.pauses) == 1
    pause = heard.pauses[0]
    assert 0 < pause.at_ms < heard.audio_ms
    assert pause.for_ms > 300
    assert abs(heard.began_at_ms + pause.at_ms + pause.for_ms - resumed) < 500
