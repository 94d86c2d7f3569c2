"""Borrowed voices in a session: chosen by a profile's id, for the session or one answer, and never without a record."""

from conversations.events import ReplySpoken, ReplyVoiced, TurnMeasured
from inference.types import ChatDelta, SpeechMade
from tests.conversations.lenders import MIA, FakeLender
from tests.conversations.talker import talking
from tests.conversations.voiced import OTHER, TWO, ask, choose, sound
from tests.fake_engines import FakeEngines


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
    [fact] = t.record.of(ReplyVoiced)
    assert (fact.cloned, fact.voice, fact.fallback) == (False, "anna", "broke_off")
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
