"""Speech over an answer: held, cancelled or resumed; and what was heard is what counts."""

import asyncio
import base64

from conversations.events import ReplyHeard
from tests.conversations.talker import Event, Talker, loud, quiet, talking
from tests.fake_engines import FakeEngines

LONG = "The first sentence is a long one. The second sentence is even longer than that. And then a third follows."


async def answering(t: Talker) -> Event:
    """A long answer is being heard: its first sound has been sent."""
    t.write("Talk.")
    t.say("response.create")
    return await t.until("response.output_audio.delta")


def sent(t: Talker) -> int:
    return sum(len(base64.b64decode(e["delta"])) for e in t.seen if e["type"] == "response.output_audio.delta")


def slow_voice() -> FakeEngines:
    engines = FakeEngines(replies=[LONG, "Yes?"])
    engines.seconds_per_letter = 0.1
    return engines


async def test_confirmed_speech_cancels_the_answer() -> None:
    async with talking(slow_voice()) as t:
        await answering(t)
        t.hear(loud(0.7))
        await t.until("input_audio_buffer.speech_started")
        done = await t.until("response.done")
        assert done["response"]["status"] == "cancelled"
        assert done["response"]["status_details"]["reason"] == "turn_detected"
        assert done["response"]["output"][0]["status"] == "incomplete"
        stopped_at = sent(t)
        t.hear(quiet(0.1))
        assert sent(t) == stopped_at
    heard = t.record.of(ReplyHeard)[0]
    assert not heard.complete
    assert heard.source == "playback_clock"
    assert heard.audio_ms * 48 <= stopped_at


async def test_a_short_sound_holds_and_resumes_without_loss() -> None:
    async with talking(slow_voice()) as t:
        engines = t.engines
        engines.seconds_per_letter = 0.02
        await answering(t)
        t.hear(loud(0.25))
        held = sent(t)
        # Longer than the listener has sound for: without a hold more would be sent.
        t.hear(quiet(1.0))
        done = await t.until("response.done", within_s=10)
        assert done["response"]["status"] == "completed"
        assert sent(t) >= held
        assert sent(t) == sum(2 * int(len(text) * 0.02 * 24_000) for text in engines.spoken)
        assert "input_audio_buffer.speech_started" not in t.kinds()


async def test_nothing_is_sent_while_an_interruption_is_suspected() -> None:
    async with talking(slow_voice()) as t:
        await answering(t)
        t.hear(loud(0.25))
        await asyncio.sleep(0.05)  # what was on its way already arrives
        held = sent(t)
        await asyncio.sleep(0.7)  # the lead is 0.6 s: sending would have gone on by now
        assert sent(t) == held
        t.hear(quiet(0.5))
        await t.until("response.output_audio.delta")


async def test_the_model_is_shown_only_what_was_heard() -> None:
    async with talking(slow_voice()) as t:
        t.configure(audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 300}}})
        await answering(t)
        t.hear(loud(0.7) + quiet(0.6))
        await t.until("response.done")
        await t.until("response.done")
        shown = [m["content"] for m in t.engines.requests[-1].messages if m["role"] == "assistant"]
        assert all(len(text) < 20 for text in shown)


async def test_truncating_cuts_the_item_the_record_and_the_context() -> None:
    async with talking(slow_voice()) as t:
        delta = await answering(t)
        item_id = delta["item_id"]
        while sent(t) < 48 * 1500:
            await t.until("response.output_audio.delta")
        t.say("response.cancel")
        await t.until("response.done")
        t.say("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1200)
        truncated = await t.until("conversation.item.truncated")
        assert truncated["audio_end_ms"] == 1200
        heard = t.record.of(ReplyHeard)[-1]
        assert (heard.source, heard.audio_ms, heard.complete) == ("client", 1200, False)
        assert heard.text == "The first"  # 1.2 s of a voice that takes 0.1 s a letter
        t.say("conversation.item.retrieve", item_id=item_id)
        item = (await t.until("conversation.item.retrieved"))["item"]
        assert item["content"][0]["transcript"] == "The first"
        t.write("Go on.")
        t.say("response.create")
        await t.until("response.done")
        shown = [m["content"] for m in t.engines.requests[-1].messages if m["role"] == "assistant"]
        assert shown == ["The first"]


async def test_truncating_beyond_what_was_sent_is_refused() -> None:
    async with talking(slow_voice()) as t:
        delta = await answering(t)
        t.say("conversation.item.truncate", item_id=delta["item_id"], content_index=0, audio_end_ms=60_000)
        error = (await t.until("error"))["error"]
        assert (error["code"], error["param"]) == ("invalid_value", "audio_end_ms")
        t.say("conversation.item.truncate", item_id="nothing", content_index=0, audio_end_ms=0)
        assert (await t.until("error"))["error"]["code"] == "item_not_found"


async def test_speech_does_not_interrupt_where_that_is_switched_off() -> None:
    async with talking(slow_voice()) as t:
        t.engines.seconds_per_letter = 0.02
        t.configure(
            audio={
                "input": {
                    "turn_detection": {
                        "type": "server_vad",
                        "interrupt_response": False,
                        "create_response": False,
                        "silence_duration_ms": 300,
                    }
                }
            }
        )
        await answering(t)
        t.hear(loud(0.7) + quiet(0.6))
        await t.until("input_audio_buffer.speech_stopped")
        done = await t.until("response.done", within_s=10)
        assert done["response"]["status"] == "completed"


async def test_what_is_still_playing_after_the_last_delta_counts_as_unheard_when_interrupted() -> None:
    async with talking(FakeEngines(replies=["Just one short sentence."])) as t:
        t.engines.seconds_per_letter = 0.02
        await answering(t)
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"
        t.hear(loud(0.7))
        await t.until("avatar.heard")
    heard = t.record.of(ReplyHeard)[0]
    assert not heard.complete
    assert heard.audio_ms < 480
