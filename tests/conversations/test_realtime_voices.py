"""Borrowed voices in a session: chosen by a profile's id, for the session or one answer, and never without a record."""

import asyncio
import base64

from conversations.events import ReplyFailed, ReplyHeard, ReplySpoken, ReplyVoiced, TurnMeasured, VoiceStopped
from inference.errors import EngineRefused
from inference.types import ChatDelta, SpeechMade
from tests.conversations.lenders import MIA, FakeLender
from tests.conversations.talker import Talker, talking
from tests.fake_engines import FakeEngines

OTHER = "0198a000-0000-7000-8000-0000000000ff"
TWO = "It is good to see you. How are you doing today?"
LONG = "The first sentence is a long one. The second sentence is even longer than that. And then a third follows."


async def choose(t: Talker, voice: str) -> str:
    """The voice that the session says it has then."""
    t.configure(audio={"output": {"voice": voice}})
    updated = await t.until("session.updated")
    return str(updated["session"]["audio"]["output"]["voice"])


async def ask(t: Talker, text: str = "Hi.", **response: object) -> None:
    t.write(text)
    t.say("response.create", response=response)


def sound(t: Talker) -> bytes:
    return b"".join(base64.b64decode(e["delta"]) for e in t.seen if e["type"] == "response.output_audio.delta")


async def test_a_profile_is_a_voice_of_the_session() -> None:
    lender = FakeLender()
    async with talking(FakeEngines(replies=[TWO]), lender=lender) as t:
        assert await choose(t, MIA) == MIA
        assert lender.asked == [("somebody", MIA)]
        await ask(t)
        done = await t.until("response.done")
        assert done["response"]["audio"]["output"]["voice"] == MIA
        by = t.last("avatar.speech")
        assert (by["cloned"], by["watermarked"], by["voice"]) == (True, True, MIA)
    assert [one.id for one in t.engines.references if one is not None] == ["sample-of-mia"] * 2


async def test_every_cloned_sentence_has_a_record_of_its_origin_before_its_first_sound() -> None:
    lender = FakeLender()
    async with talking(FakeEngines(replies=[TWO]), lender=lender) as t:
        await choose(t, MIA)
        await ask(t)
        await t.until("avatar.speech")
        assert lender.open[0].voice == MIA
        assert (lender.open[0].owner_id, lender.open[0].speaker_id) == ("mia", "somebody")
        await t.until("response.done")
        await t.until("avatar.heard")
    assert [pcm for pcm, complete in lender.ends.values() if complete] != []
    assert b"".join(pcm for pcm, _ in lender.ends.values()) == sound(t)
    facts = t.record.of(ReplyVoiced)
    assert [fact.utterance_id for fact in facts] == [one.id for one in lender.open]
    assert [(fact.index, fact.cloned, fact.engine) for fact in facts] == [(0, True, "fake"), (1, True, "fake")]


async def test_without_the_record_of_its_origin_nothing_is_said_in_a_borrowed_voice() -> None:
    lender = FakeLender()
    lender.broken = True
    async with talking(lender=lender) as t:
        await choose(t, MIA)
        await ask(t)
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"
        assert not t.last("avatar.speech")["cloned"]
    assert t.record.of(ReplyVoiced) == []
    assert len(sound(t)) == sum(2 * int(len(text) * 0.02 * 24_000) for text in t.engines.spoken) // 2


async def test_cloned_sound_without_a_watermark_is_not_given() -> None:
    class Unmarked(FakeEngines):
        def made(self, made: SpeechMade) -> SpeechMade:
            return SpeechMade(made.engine, made.model, made.voice, cloned=made.cloned, watermarked=False)

    lender = FakeLender()
    async with talking(Unmarked(), lender=lender) as t:
        await choose(t, MIA)
        await ask(t)
        await t.until("response.done")
        assert not any(e["cloned"] for e in t.seen if e["type"] == "avatar.speech")
    assert lender.open == []


async def test_another_s_voice_is_none_and_the_usual_one_speaks() -> None:
    async with talking(lender=FakeLender()) as t:
        assert await choose(t, OTHER) == "anna"
        assert t.errors()[-1]["code"] == "voice_not_usable"
        await ask(t)
        assert (await t.until("response.done"))["response"]["status"] == "completed"
    assert set(t.engines.references) == {None}


async def test_a_name_that_is_no_profile_s_is_not_asked_for() -> None:
    lender = FakeLender()
    async with talking(lender=lender) as t:
        assert await choose(t, "alloy") == "anna"
        assert await choose(t, "bert") == "bert"
    assert lender.asked == []


async def test_one_answer_may_have_a_voice_of_its_own() -> None:
    async with talking(FakeEngines(replies=[TWO]), lender=FakeLender()) as t:
        await ask(t, audio={"output": {"voice": {"id": MIA}}})
        created = await t.until("response.created")
        assert created["response"]["audio"]["output"]["voice"] == MIA
        await t.until("response.done")
        t.say("response.create")
        await t.until("response.done")
    assert [one is not None for one in t.engines.references] == [True, True, False, False]


async def test_who_lends_nothing_in_time_holds_no_answer_up(monkeypatch: object) -> None:
    from conversations.realtime import voices

    lender = FakeLender()
    lender.answers.clear()
    voices_ask_s, voices.ASK_S = voices.ASK_S, 0.05
    try:
        async with talking(lender=lender) as t:
            assert await choose(t, MIA) == "anna"
            assert t.errors()[-1]["code"] == "voice_not_usable"
            await ask(t)
            await t.until("response.done")
    finally:
        voices.ASK_S = voices_ask_s


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
    by = [(e["index"], e["cloned"]) for e in t.seen[cut_at:] if e["type"] == "avatar.speech"]
    assert by == [(0, False), (1, False), (2, False)], "the sentence begins again, and all that follow"
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


async def test_an_engine_that_dies_in_mid_sentence_costs_that_sentence_a_beginning() -> None:
    engines = FakeEngines(replies=[LONG])
    engines.speech_dies.extend([0.2, None])
    async with talking(engines, lender=FakeLender()) as t:
        await choose(t, MIA)
        await ask(t)
        done = await t.until("response.done", within_s=20)
        assert done["response"]["status"] == "completed"
        heard = await t.until("avatar.heard", within_s=20)
        assert heard["complete"]
    assert [one is not None for one in engines.references] == [True, False, True, True], "only that one falls back"
    assert engines.spoken[0] == engines.spoken[1]
    assert t.record.of(ReplyFailed) == []
    assert t.record.of(ReplyHeard)[-1].text == LONG


async def test_a_usual_voice_that_dies_in_mid_sentence_begins_it_again() -> None:
    engines = FakeEngines(replies=[LONG])
    engines.speech_dies.extend([None, 0.1])
    async with talking(engines) as t:
        await ask(t)
        assert (await t.until("response.done", within_s=20))["response"]["status"] == "completed"
    assert engines.spoken[1] == engines.spoken[2]
    assert len(engines.spoken) == 4
    assert t.record.of(ReplyFailed) == []


async def test_a_voice_that_dies_again_leaves_the_words() -> None:
    engines = FakeEngines(replies=["Only this."])
    engines.speech_dies.extend([0.1, 0.1])
    async with talking(engines) as t:
        await ask(t)
        done = await t.until("response.done")
        assert done["response"]["output"][0]["content"][0]["transcript"] == "Only this."
    assert t.record.of(ReplyFailed)[0].code == "speech_engine_unavailable"


async def test_a_refused_borrowed_voice_is_stood_in_for() -> None:
    class Refusing(FakeEngines):
        def before_speech(self, cloned: bool) -> None:
            if cloned:
                raise EngineRefused("This voice was barred.")

    async with talking(Refusing(), lender=FakeLender()) as t:
        await choose(t, MIA)
        await ask(t)
        assert (await t.until("response.done"))["response"]["status"] == "completed"
    assert len(sound(t)) > 0


async def test_fast_and_fine_by_session_and_by_answer() -> None:
    async with talking() as t:
        assert "avatar" not in t.last("session.created")["session"]
        t.configure(avatar={"quality": "fine"})
        assert (await t.until("session.updated"))["session"]["avatar"] == {"quality": "fine"}
        await ask(t)
        await t.until("response.done")
        assert t.last("avatar.speech")["quality"] == "fine"
        t.say("response.create", response={"avatar": {"quality": "fast"}})
        await t.until("response.done")
        assert t.last("avatar.speech")["quality"] == "fast"
        t.configure(avatar={"quality": "best"})
        assert (await t.until("error"))["error"]["param"] == "session.avatar.quality"
        t.configure(avatar=None)
        assert (await t.until("session.updated"))["session"]["avatar"] == {"quality": "fast"}
    measured = t.record.of(TurnMeasured)
    assert [(fact.engine, fact.cloned, fact.quality) for fact in measured] == [("fake", False, "fine")]


async def test_a_few_words_are_said_with_the_sentence_that_follows_in_a_borrowed_voice() -> None:
    engines = FakeEngines(replies=["Yes. I can do that for you today. Good. Call me back."])
    async with talking(engines, lender=FakeLender()) as t:
        await choose(t, MIA)
        await ask(t)
        await t.until("response.done", within_s=20)
        t.configure(audio={"output": {"voice": "anna"}})
        t.say("response.create")
        await t.until("response.done", within_s=20)
    assert engines.spoken[:2] == ["Yes. I can do that for you today.", "Good. Call me back."]
    assert engines.spoken[2:] == ["Yes.", "I can do that for you today.", "Good.", "Call me back."]
    spoken = [(fact.index, fact.text.strip()) for fact in t.record.of(ReplySpoken)][:2]
    assert spoken == [(0, "Yes. I can do that for you today."), (1, "Good. Call me back.")]


async def test_a_few_words_do_not_wait_for_ever() -> None:
    begun, rest = ChatDelta(text="Just a moment. And"), ChatDelta(text=" here is all that I have found.")
    engines = FakeEngines(replies=[(begun, rest, ChatDelta(finish_reason="stop"))])
    engines.think_on.clear()
    async with talking(engines, lender=FakeLender()) as t:
        await choose(t, MIA)
        await ask(t)
        assert (await t.until("avatar.speech"))["cloned"]
        engines.think_on.set()
        await t.until("response.done", within_s=20)
    assert engines.spoken == ["Just a moment.", "And here is all that I have found."]
