"""While somebody speaks, the chat model already reads what came before."""

from inference.errors import EngineUnavailable
from tests.conversations.talker import loud, quiet, talking
from tests.fake_engines import FakeEngines

FIXED = {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 400}}}
UTTERANCE = quiet(0.3) + loud(0.6) + quiet(0.6)


async def test_what_came_before_is_read_while_the_user_speaks() -> None:
    engines = FakeEngines(heard=("hello there.",), replies=("x", "Hello to you. How are you?"))
    async with talking(engines, reads_ahead=True) as t:
        t.configure(audio=FIXED, instructions="Be kind.")
        await t.until("session.updated")
        t.hear(UTTERANCE)
        await t.until("response.done")
    ahead, asked = engines.requests
    assert ahead.max_tokens == 1
    assert [m["content"] for m in ahead.messages] == ["Be kind."]
    # The very prompt that the answer's own begins with: only then is it worth anything.
    assert asked.messages[: len(ahead.messages)] == ahead.messages
    assert asked.messages[-1]["content"] == "hello there."


async def test_a_server_elsewhere_is_shown_nothing_ahead() -> None:
    engines = FakeEngines()
    async with talking(engines) as t:
        t.configure(audio=FIXED)
        t.hear(UTTERANCE)
        await t.until("response.done")
    assert len(engines.requests) == 1


async def test_reading_ahead_that_fails_hurts_nobody() -> None:
    engines = FakeEngines(replies=(EngineUnavailable("Not now."), "Hello to you. How are you?"))
    async with talking(engines, reads_ahead=True) as t:
        t.configure(audio=FIXED)
        t.hear(UTTERANCE)
        done = await t.until("response.done")
    assert done["response"]["status"] == "completed"
