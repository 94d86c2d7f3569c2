"""The OpenAI Agents SDK's realtime session talks to the running server, unchanged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession

from tests.conversations.microphone import Microphone, speech
from tests.server import Stack

# The small chat model says something else each time: an answer too short to be tested is asked for again.
pytestmark = [pytest.mark.models, pytest.mark.server, pytest.mark.flaky(reruns=2)]
WITHIN_S = 60.0
asked: list[str] = []


@function_tool
def get_weather(city: str) -> str:
    """Tells the weather in a city."""
    asked.append(city)
    return "It is sunny and 24 degrees."


@asynccontextmanager
async def session(stack: Stack, agent: RealtimeAgent[Any], **settings: Any) -> AsyncIterator[RealtimeSession]:
    runner = RealtimeRunner(agent, config={"tracing_disabled": True})
    model = {
        "url": f"{stack.ws_url}/v1/realtime?model=gpt-realtime",
        "api_key": "any",
        "initial_model_settings": {"model_name": "gpt-realtime", **settings},
    }
    async with await runner.run(model_config=model) as running:  # type: ignore[arg-type]
        yield running


async def until(events: RealtimeSession, kind: str, seen: list[Any]) -> Any:
    async with asyncio.timeout(WITHIN_S):
        async for event in events:
            seen.append(event)
            if event.type == "error":
                raise AssertionError(event.error)
            if event.type == kind:
                return event
    raise AssertionError(f"no {kind}")


async def test_a_spoken_conversation(stack: Stack) -> None:
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Guide", instructions="Answer in one short sentence.")
    question = await speech(stack, "Should I get a dog or a cat?")
    seen: list[Any] = []
    async with session(stack, agent, turn_detection={"type": "semantic_vad", "interrupt_response": True}) as running:
        device = Microphone(running.send_audio)
        sending = asyncio.create_task(device.run())
        try:
            device.say(question)
            await until(running, "audio_end", seen)
            await until(running, "agent_end", seen)
        finally:
            sending.cancel()
            await asyncio.wait([sending])
    assert sum(len(event.audio.data) for event in seen if event.type == "audio") > 10_000
    history = next(event for event in reversed(seen) if event.type == "history_updated").history
    said = [item for item in history if item.type == "message"]
    assert [item.role for item in said[:2]] == ["user", "assistant"]
    transcript = said[0].content[0].transcript.lower()
    assert "dog" in transcript
    assert "cat" in transcript


async def test_a_tool_of_the_agents_is_called(stack: Stack) -> None:
    agent: RealtimeAgent[Any] = RealtimeAgent(
        name="Guide", instructions="Use the tool get_weather.", tools=[get_weather]
    )
    seen: list[Any] = []
    asked.clear()
    async with session(stack, agent, tool_choice="required", modalities=["text"]) as running:
        await running.send_message("What is the weather in Taipei?")
        ended = await until(running, "tool_end", seen)
    assert ended.tool.name == "get_weather"
    assert asked
    assert ended.output == "It is sunny and 24 degrees."
