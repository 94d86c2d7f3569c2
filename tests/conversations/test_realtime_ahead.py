"""Sound is made ahead of its listener, and no further than that: what is interrupted was not all made in vain."""

import asyncio

import pytest

from conversations.realtime.generation import Generation
from conversations.realtime.playback import seconds
from conversations.realtime.ready import AHEAD_S
from conversations.realtime.steps import Plan, Sentence, Sound
from inference.types import ChatRequest
from tests.fake_engines import SECONDS_PER_LETTER, FakeEngines

SENTENCE = "This is one of many long sentences, and each of them is said for about two seconds of the time. "
SENTENCES = 12
LASTS_S = len(SENTENCE) * SECONDS_PER_LETTER


def plan() -> Plan:
    return Plan(request=ChatRequest(messages=()), spoken=True, language="en", voice="anna")


def sound_s(engines: FakeEngines) -> float:
    """How long all is that was spoken."""
    return sum(map(len, engines.spoken)) * SECONDS_PER_LETTER


async def until_nothing_happens(engines: FakeEngines) -> None:
    """The engines are made up and take no time: what they do is done once the loop has turned often enough."""
    asked = -1
    while asked != len(engines.spoken):
        asked = len(engines.spoken)
        for _ in range(500):
            await asyncio.sleep(0)


async def test_before_the_turn_is_over_one_sentence_is_made() -> None:
    engines = FakeEngines(replies=(SENTENCE * SENTENCES,))
    async with asyncio.TaskGroup() as group:
        generation = Generation(engines, plan()).start(group)
        await until_nothing_happens(engines)
        assert len(engines.spoken) == 1
        generation.stop()


async def test_sound_is_made_ahead_for_a_bounded_time_and_goes_on_as_it_is_taken() -> None:
    engines = FakeEngines(replies=(SENTENCE * SENTENCES,))
    taken_s, sentences = 0.0, 0
    async with asyncio.TaskGroup() as group:
        generation = Generation(engines, plan()).start(group)
        generation.commit()
        await until_nothing_happens(engines)
        assert AHEAD_S <= sound_s(engines) < AHEAD_S + 2 * LASTS_S
        async for step in generation.steps():
            sentences += isinstance(step, Sentence)
            taken_s += seconds(len(step.pcm)) if isinstance(step, Sound) else 0.0
    assert len(engines.spoken) == sentences >= SENTENCES
    assert taken_s == pytest.approx(sound_s(engines))
