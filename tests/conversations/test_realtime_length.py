"""How long an answer is: as long as somebody listens to it, or as the client says; and when its sentences are due."""

from inference.types import ChatDelta
from tests.conversations.talker import talking
from tests.fake_engines import FakeEngines


async def test_an_answer_cut_by_the_token_limit_is_incomplete() -> None:
    engines = FakeEngines(replies=[(ChatDelta("Once upon a"), ChatDelta(finish_reason="length"))])
    async with talking(engines) as t:
        t.write("A tale.")
        t.say("response.create", response={"max_output_tokens": 3})
        done = await t.until("response.done")
        assert done["response"]["status"] == "incomplete"
        assert done["response"]["status_details"]["reason"] == "max_output_tokens"


async def test_a_spoken_answer_ends_when_enough_is_said() -> None:
    sentence = "This sentence goes on and on for quite a while."
    async with talking(FakeEngines(replies=[" ".join([sentence] * 20)])) as t:
        t.engines.seconds_per_letter = 0.001
        t.write("A lecture.")
        t.say("response.create")
        done = await t.until("response.done")
        said = done["response"]["output"][0]["content"][0]["transcript"]
        assert done["response"]["status"] == "completed"
        assert said.strip().endswith("while.")
        assert 156 <= len(said) <= 240
        assert t.engines.stopped == 1


async def test_a_long_sentence_is_not_begun_when_there_is_no_time_for_it() -> None:
    replies = ["This is short enough. " + "And this one goes on without an end " * 7 + "at last. Bye."]
    async with talking(FakeEngines(replies=replies)) as t:
        t.write("A lecture.")
        t.say("response.create")
        done = await t.until("response.done")
        assert done["response"]["output"][0]["content"][0]["transcript"] == "This is short enough. "


async def test_a_client_that_says_how_long_gets_it_all() -> None:
    reply = " ".join(["This sentence goes on and on for quite a while."] * 10)
    async with talking(FakeEngines(replies=[reply])) as t:
        t.engines.seconds_per_letter = 0.001
        t.write("A lecture.")
        t.say("response.create", response={"max_output_tokens": 4096})
        done = await t.until("response.done")
        assert done["response"]["output"][0]["content"][0]["transcript"] == reply


async def test_later_sentences_are_due_when_the_player_would_run_dry() -> None:
    async with talking(FakeEngines(replies=["One is here now. Two comes later then. Three is the last one."])) as t:
        t.write("Count.")
        t.say("response.create")
        await t.until("response.done")
        assert t.engines.due[0] == 0.0
        assert all(due > 0 for due in t.engines.due[1:])
