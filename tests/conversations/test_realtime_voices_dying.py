"""A voice whose engine dies or refuses: the sentence begins again, another stands in, and the words are never lost."""

from conversations.events import ReplyFailed, ReplyHeard
from inference.errors import EngineRefused
from tests.conversations.lenders import MIA, FakeLender
from tests.conversations.talker import talking
from tests.conversations.voiced import LONG, ask, choose, sound
from tests.fake_engines import FakeEngines


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
    by = [(e["index"], e["cloned"], e["fallback"]) for e in t.seen if e["type"] == "avatar.speech"]
    assert by == [(0, True, ""), (0, False, "broke_off"), (1, True, ""), (2, True, "")]
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
