"""What an answer cost is told and recorded however it ends: said to its end, long enough, or interrupted."""

from conversations.events import ReplyGenerated
from inference.types import ChatDelta, Usage
from tests.conversations.lenders import MIA, FakeLender
from tests.conversations.talker import Talker, talking
from tests.fake_engines import FakeEngines

LECTURE = " ".join(["This sentence goes on and on for quite a while."] * 20)


def counted(words: int, told: int) -> tuple[ChatDelta, ...]:
    """A server that tells what it has counted with its first ``told`` steps."""
    sentence = LECTURE.split(" ")[:words]
    return tuple(
        ChatDelta(text=f"{word} ", usage=Usage(50, index, 40) if index <= told else None)
        for index, word in enumerate(sentence, start=1)
    )


async def answered(t: Talker) -> dict[str, int]:
    t.write("A lecture.")
    t.say("response.create")
    done = await t.until("response.done")
    usage = done["response"]["usage"]
    return {name: usage[name] for name in ("input_tokens", "output_tokens")}


async def test_an_answer_that_was_long_enough_counts_the_tokens_until_there() -> None:
    async with talking(FakeEngines(replies=[counted(180, 180)])) as t:
        t.engines.seconds_per_letter = 0.001
        usage = await answered(t)
        assert t.engines.stopped == 1
    assert usage["input_tokens"] == 50
    assert 25 < usage["output_tokens"] < 100
    [fact] = t.record.of(ReplyGenerated)
    assert (fact.input_tokens, fact.output_tokens, fact.cached_tokens) == (50, usage["output_tokens"], 40)


async def test_of_a_server_that_counts_at_the_end_the_pieces_that_came_are_counted() -> None:
    async with talking(FakeEngines(replies=[LECTURE])) as t:
        t.engines.seconds_per_letter = 0.001
        usage = await answered(t)
    assert 25 < usage["output_tokens"] < 100


async def test_what_is_written_after_the_last_count_is_not_lost() -> None:
    async with talking(FakeEngines(replies=[counted(6, 2)])) as t:
        assert await answered(t) == {"input_tokens": 50, "output_tokens": 6}


async def test_an_interrupted_answer_in_a_borrowed_voice_has_cost_what_it_had() -> None:
    engines = FakeEngines(replies=[counted(180, 180)])
    engines.seconds_per_letter = 0.1
    async with talking(engines, lender=FakeLender()) as t:
        t.configure(audio={"output": {"voice": MIA}})
        await t.until("session.updated")
        t.write("A lecture.")
        t.say("response.create")
        await t.until("response.output_audio.delta")
        assert t.last("avatar.speech")["cloned"]
        t.say("response.cancel")
        done = await t.until("response.done")
    assert done["response"]["status"] == "cancelled"
    assert done["response"]["usage"]["input_tokens"] == 50
    assert done["response"]["usage"]["output_tokens"] > 9
    [fact] = t.record.of(ReplyGenerated)
    assert (fact.input_tokens, fact.output_tokens) == (50, done["response"]["usage"]["output_tokens"])
