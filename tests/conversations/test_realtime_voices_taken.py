"""A borrowed voice that is taken back: silent at once, said again by another, and recorded as it was heard."""

import asyncio

from conversations.events import ReplyHeard, ReplySpoken, VoiceStopped
from inference.types import SpeechMade
from tests.conversations.lenders import MIA, FakeLender
from tests.conversations.talker import talking
from tests.conversations.voiced import LONG, ask, choose, sound
from tests.fake_engines import FakeEngines


async def test_a_voice_that_is_taken_back_falls_silent_in_mid_sentence_and_another_says_it_again() -> None:
    lender = FakeLender()
    engines = FakeEngines(replies=[LONG])
    engines.seconds_per_letter = 0.05
    async with talking(engines, lender=lender) as t:
        await choose(t, MIA)
        await ask(t)
        await t.until("response.output_audio.delta")
        await asyncio.sleep(0.3)
        lender.take_back("revoked")
        stopped = await t.until("avatar.voice_stopped")
        assert (stopped["voice"], stopped["reason"]) == (MIA, "revoked")
        kinds = [e["type"] for e in t.seen]
        assert kinds.index("output_audio_buffer.cleared") < kinds.index("avatar.voice_stopped")
        assert t.errors()[-1]["code"] == "voice_stopped"
        assert t.last("session.updated")["session"]["audio"]["output"]["voice"] == "anna"
        cut_at = len(t.seen)
        done = await t.until("response.done", within_s=20)
        assert done["response"]["status"] == "completed"
        assert done["response"]["output"][0]["content"][0]["transcript"] == LONG
        heard = await t.until("avatar.heard", within_s=20)
        assert heard["complete"]
    by = [(e["index"], e["cloned"], e["fallback"]) for e in t.seen[cut_at:] if e["type"] == "avatar.speech"]
    again = [(index, False, "voice_stopped") for index in range(3)]
    assert by == again, "the sentence begins again, and all that follow"
    assert t.record.of(VoiceStopped)[0].voice == MIA
    assert [fact.text.strip() for fact in t.record.of(ReplySpoken)] == [
        "The first sentence is a long one.",
        "The second sentence is even longer than that.",
        "And then a third follows.",
    ]
    assert t.record.of(ReplyHeard)[-1].text == LONG


async def test_what_the_player_still_has_of_a_taken_voice_is_not_heard() -> None:
    lender = FakeLender()
    engines = FakeEngines(replies=["One two three four five six seven eight nine ten."])
    async with talking(engines, lender=lender) as t:
        await choose(t, MIA)
        await ask(t)
        await t.until("response.done")  # all of it is sent, and about half a second of it is not played
        lender.take_back()
        await t.until("output_audio_buffer.cleared")
        await t.until("avatar.voice_stopped")
        heard = (
            await t.until("avatar.heard")
            if "avatar.heard" not in [e["type"] for e in t.seen]
            else t.last("avatar.heard")
        )
    assert not heard["complete"]
    assert 0 < heard["audio_ms"] < 1000


class StandIn(FakeEngines):
    """The cloning engine is away for the first ``away`` sentences."""

    def __init__(self, *, away: int) -> None:
        super().__init__(replies=[LONG])
        self.seconds_per_letter = 0.04
        self.left_out = away

    def made(self, made: SpeechMade) -> SpeechMade:
        self.left_out -= 1
        if not made.cloned or self.left_out < 0:
            return made
        return SpeechMade("fake", "fake-tts", "bert", fallback="cloning_unavailable")


async def test_a_voice_that_stands_in_says_its_sentence_to_the_end() -> None:
    lender = FakeLender()
    async with talking(StandIn(away=9), lender=lender) as t:
        await choose(t, MIA)
        await ask(t)
        await t.until("response.output_audio.delta")
        await asyncio.sleep(0.3)
        lender.take_back()
        await t.until("avatar.voice_stopped")
        assert (await t.until("response.done", within_s=20))["response"]["status"] == "completed"
        assert (await t.until("avatar.heard", within_s=20))["complete"]
    assert "output_audio_buffer.cleared" not in [e["type"] for e in t.seen]
    assert [e["index"] for e in t.seen if e["type"] == "avatar.sentence"] == [0, 1, 2], "nothing is said twice"
    assert t.record.of(ReplyHeard)[-1].text == LONG


async def test_only_what_is_cloned_is_said_again_while_another_voice_stands_in() -> None:
    lender = FakeLender()
    engines = StandIn(away=1)
    engines.seconds_per_letter = 0.07
    async with talking(engines, lender=lender) as t:
        await choose(t, MIA)
        await ask(t)
        await t.until("response.output_audio.delta")
        await asyncio.sleep(0.2)  # the clone's sentences lie ready behind the one that is heard
        assert len(t.engines.spoken) == 3
        lender.take_back()
        await t.until("avatar.voice_stopped")
        assert (await t.until("response.done", within_s=20))["response"]["status"] == "completed"
    assert "output_audio_buffer.cleared" not in [e["type"] for e in t.seen]
    by = [(e["index"], e["cloned"]) for e in t.seen if e["type"] == "avatar.speech"]
    assert by == [(0, False), (1, False), (2, False)]
    expected = sum(2 * int(len(text.strip()) * 0.07 * 24_000) for text in t.engines.spoken[-2:] + t.engines.spoken[:1])
    assert len(sound(t)) == expected


async def test_what_was_heard_of_a_sentence_before_it_is_said_again_is_recorded() -> None:
    lender = FakeLender()
    engines = FakeEngines(replies=[LONG])
    engines.seconds_per_letter = 0.06
    async with talking(engines, lender=lender) as t:
        await choose(t, MIA)
        await ask(t)
        await t.until("response.output_audio.delta")
        await asyncio.sleep(1.2)
        lender.take_back()
        await t.until("avatar.voice_stopped")
        t.say("response.cancel")
        t.say("output_audio_buffer.clear")
        await t.until("response.done")
    heard = t.record.of(ReplyHeard)[-1]
    assert 900 < heard.audio_ms < 1900
    assert heard.text.startswith("The first sentence")
    assert len(heard.text) < len("The first sentence is a long one.")
