"""An answer that fails: an honest sentence is said, what can be told is told, and the record says what happened."""

from conversations.events import ReplyFailed, ReplyHeard
from inference.errors import EngineError, EngineRefused, EngineUnavailable
from tests.conversations.talker import talking
from tests.fake_engines import FakeEngines


async def test_an_empty_answer_becomes_an_honest_sentence_and_a_fact() -> None:
    async with talking(FakeEngines(replies=[""])) as t:
        t.write("Hi.")
        t.say("response.create")
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"
        said = done["response"]["output"][0]["content"][0]["transcript"]
        assert said
        assert t.engines.spoken
        failed = t.record.of(ReplyFailed)[0]
        assert (failed.code, failed.spoken) == ("empty_answer", said)


async def test_a_failed_answer_is_said_aloud_and_ends_as_failed() -> None:
    async with talking(FakeEngines(replies=[EngineError("The model broke.", permanent=True)])) as t:
        t.write("Hi.")
        t.say("response.create")
        done = await t.until("response.done")
        assert done["response"]["status"] == "failed"
        assert done["response"]["status_details"]["error"]["code"] == "engine_error"
        assert t.engines.spoken
        assert [failed.message for failed in t.record.of(ReplyFailed)] == ["The engine failed."]


async def test_an_engine_that_is_starting_is_waited_for() -> None:
    engines = FakeEngines(replies=[EngineUnavailable("Starting."), EngineUnavailable("Starting."), "Here I am."])
    async with talking(engines) as t:
        t.write("Hi.")
        t.say("response.create")
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"
        assert done["response"]["output"][0]["content"][0]["transcript"] == "Here I am."


async def test_without_a_voice_the_words_still_come() -> None:
    engines = FakeEngines()
    engines.speech_error = EngineRefused("No such language.")
    async with talking(engines) as t:
        t.write("Hi.")
        t.say("response.create")
        done = await t.until("response.done")
        assert done["response"]["status"] == "failed"
        assert done["response"]["output"][0]["content"][0]["transcript"] == "Hello to you. How are you today?"
        await t.until("avatar.heard")
    assert t.record.of(ReplyHeard)[0].source == "text"
