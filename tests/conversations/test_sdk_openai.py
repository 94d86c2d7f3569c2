"""The official OpenAI SDK's realtime connection talks to the running server, unchanged."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from tests.conversations.microphone import Microphone, room, speech
from tests.server import Stack

# The small chat model says something else each time: an answer too short to be tested is asked for again.
pytestmark = [pytest.mark.models, pytest.mark.server, pytest.mark.flaky(reruns=2)]
SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
WITHIN_S = 60.0
ANSWERED = {"completed", "incomplete"}
"""The small model may talk until it is stopped: an answer cut at its longest is `incomplete`, and no fault."""
WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
    },
}


class Client:
    """The connection, with every event checked against the SDK's own types."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection
        self.seen: list[Any] = []

    async def until(self, kind: str) -> Any:
        async with asyncio.timeout(WITHIN_S):
            while True:
                event = SERVER_EVENT.validate_json(await self.connection.recv_bytes())
                self.seen.append(event)
                if event.type == "error":
                    raise AssertionError(event.error)
                if event.type == kind:
                    return event

    def sound(self) -> bytes:
        return b"".join(base64.b64decode(e.delta) for e in self.seen if e.type == "response.output_audio.delta")


@asynccontextmanager
async def connected(stack: Stack, **session: Any) -> AsyncIterator[Client]:
    client = AsyncOpenAI(api_key="any", base_url=f"{stack.base_url}/v1", websocket_base_url=f"{stack.ws_url}/v1")
    async with client.realtime.connect(model="gpt-realtime") as connection:
        talking = Client(connection)
        await talking.until("session.created")
        await connection.session.update(session={"type": "realtime", **session})  # type: ignore[arg-type]
        await talking.until("session.updated")
        yield talking


@asynccontextmanager
async def microphone(client: Client) -> AsyncIterator[Microphone]:
    async def send(pcm: bytes) -> None:
        await client.connection.input_audio_buffer.append(audio=base64.b64encode(pcm).decode())

    device = Microphone(send)
    running = asyncio.create_task(device.run())
    try:
        yield device
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_spoken_question_is_answered_aloud(stack: Stack) -> None:
    question = await speech(stack, "Should I get a dog or a cat?")
    async with (
        connected(stack, audio={"input": {"transcription": {"model": "whisper-1", "language": "en"}}}) as client,
        microphone(client) as device,
    ):
        device.say(question)
        heard = await client.until("conversation.item.input_audio_transcription.completed")
        assert {"dog", "cat"} <= set(heard.transcript.lower().strip("?").split())
        done = await client.until("response.done")
        assert done.response.status in ANSWERED
        said = done.response.output[0].content[0].transcript
        assert said
        seconds = len(client.sound()) / 48_000
        assert 0.02 * len(said) < seconds < 0.2 * len(said)
        kinds = [event.type for event in client.seen]
        assert kinds.index("input_audio_buffer.speech_stopped") < kinds.index("response.output_audio.delta")


async def test_speech_over_an_answer_interrupts_it(stack: Stack) -> None:
    over = await speech(stack, "Stop please, I have another question. What is the capital of France?")
    async with connected(stack, instructions="Tell a long story.") as client, microphone(client) as device:
        story = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "A story, please."}]}
        for _ in range(5):
            await client.connection.conversation.item.create(item=story)  # type: ignore[arg-type]
            await client.connection.response.create()
            delta = await client.until("response.output_audio.delta")
            device.say(over)
            done = await client.until("response.done")
            if done.response.status == "cancelled":
                break
            # The small model had said no more than a word: nothing was there to interrupt. Its next answer is awaited.
            await client.until("response.done")
        assert done.response.status == "cancelled"
        assert done.response.status_details.reason == "turn_detected"
        sent_ms = len(client.sound()) // 48
        await client.connection.conversation.item.truncate(
            item_id=delta.item_id, content_index=0, audio_end_ms=min(300, sent_ms)
        )
        assert (await client.until("conversation.item.truncated")).item_id == delta.item_id
        # Two sentences were said: an answer to the first may have been begun and given up for the second.
        while (status := (await client.until("response.done")).response.status) == "cancelled":
            pass
        assert status in ANSWERED


async def test_push_to_talk_and_a_written_answer(stack: Stack) -> None:
    question = await speech(stack, "What is your favourite colour?")
    session = {"output_modalities": ["text"], "max_output_tokens": 200, "audio": {"input": {"turn_detection": None}}}
    async with connected(stack, **session) as client:
        for start in range(0, len(question), 96_000):
            piece = base64.b64encode(question[start : start + 96_000]).decode()
            await client.connection.input_audio_buffer.append(audio=piece)
        await client.connection.input_audio_buffer.append(audio=base64.b64encode(room(0.2)).decode())
        await client.connection.input_audio_buffer.commit()
        await client.connection.response.create()
        done = await client.until("response.done")
        assert done.response.status in ANSWERED
        assert done.response.output[0].content[0].text
        assert not client.sound()
        heard = next(e for e in client.seen if e.type == "conversation.item.input_audio_transcription.completed")
        assert "favo" in heard.transcript.lower()


async def test_a_required_tool_is_called_with_arguments_that_fit_its_schema(stack: Stack) -> None:
    async with connected(stack, tools=[WEATHER], tool_choice="required") as client:
        await client.connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "What is the weather in Taipei?"}],
            }
        )
        await client.connection.response.create()
        arguments = await client.until("response.function_call_arguments.done")
        done = await client.until("response.done")
        call = done.response.output[0]
        assert (call.type, call.name, call.arguments) == ("function_call", "get_weather", arguments.arguments)
        given = json.loads(call.arguments)
        assert isinstance(given["city"], str)
        assert given["unit"] in {"celsius", "fahrenheit"}
        output = {"type": "function_call_output", "call_id": call.call_id, "output": '{"sky": "sunny", "degrees": 24}'}
        await client.connection.conversation.item.create(item=output)  # type: ignore[arg-type]
        await client.connection.response.create(response={"tool_choice": "none"})
        done = await client.until("response.done")
        assert done.response.status in ANSWERED
        assert done.response.output[0].type == "message"


async def test_one_too_many_is_refused_within_a_second(stack: Stack) -> None:
    client = AsyncOpenAI(api_key="any", base_url=f"{stack.base_url}/v1", websocket_base_url=f"{stack.ws_url}/v1")
    managers = [client.realtime.connect(model="gpt-realtime") for _ in range(6)]
    # Sessions of earlier tests may still be saying their last words.
    async with asyncio.timeout(15):
        while (await asyncio.to_thread(stack.health))[1]["sessions"]["open"]:  # type: ignore[index]  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    places = [await manager.__aenter__() for manager in managers[:5]]
    try:
        for place in places:
            assert json.loads(await place.recv_bytes())["type"] == "session.created"
        began = time.monotonic()
        async with managers[5] as one_too_many:
            refusal = SERVER_EVENT.validate_json(await one_too_many.recv_bytes())
        assert refusal.error.code == "server_full"
        assert time.monotonic() - began < 1.0
    finally:
        for manager in managers[:5]:
            await manager.__aexit__(None, None, None)
