"""The official OpenAI SDK on every HTTP route of /v1, unchanged, against the running server and the real engines."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import openai
import pytest
from openai import OpenAI

from inference.audio.decode import decode
from inference.audio.encode import FORMATS, SoundFormat
from inference.audio.pcm import to_float
from inference.types import STT_RATE, WIRE_RATE
from tests.server import Stack

pytestmark = [pytest.mark.models, pytest.mark.server]
SENTENCE = "The weather is nice today."
KEY = """
from django.contrib.auth import get_user_model
from tests.conversations.api_helpers import key_of
owner, _ = get_user_model().objects.get_or_create(username="program")
print(key_of(owner, "audio", "chat"))
"""
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[OpenAI]:
    key = stack.manage("shell", "--no-imports", "-v", "0", "-c", KEY).split()[-1]
    with OpenAI(api_key=key, base_url=f"{stack.base_url}/v1", max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def spoken(client: OpenAI) -> bytes:
    """The sentence as an MP3, as other programs send it."""
    return client.audio.speech.create(input=SENTENCE, model="tts-1", voice="alloy").content


def named(sound: bytes, kind: str = "mp3") -> tuple[str, bytes]:
    return (f"sound.{kind}", sound)


def words(text: str) -> set[str]:
    return set(text.lower().strip(" .\n").split())


@pytest.mark.parametrize("kind", FORMATS)
def test_speech_in_every_format_is_what_was_asked_for(client: OpenAI, kind: SoundFormat) -> None:
    answer = client.audio.speech.with_raw_response.create(
        input=SENTENCE, model="tts-1", voice="hibari-us", response_format=kind
    )
    assert answer.headers["x-avatar-voice"] == "hibari-us"
    sound = answer.content if kind == "pcm" else decode(answer.content, rate=WIRE_RATE).pcm
    assert 1.0 < len(sound) / 2 / WIRE_RATE < 3.5
    assert np.abs(to_float(sound)).max() > 0.1


def test_what_was_said_is_heard_again(client: OpenAI, spoken: bytes) -> None:
    heard = client.audio.transcriptions.create(file=named(spoken), model="whisper-1", language="en")
    assert words(heard.text) == {"the", "weather", "is", "nice", "today"}
    assert heard.usage is not None
    assert heard.usage.type == "duration"


def test_chinese_is_spoken_by_a_voice_that_can(client: OpenAI) -> None:
    said = client.audio.speech.create(
        input="今天天氣很好。", model="tts-1", voice="alloy", response_format="wav"
    ).content
    heard = client.audio.transcriptions.create(file=named(said, "wav"), model="whisper-1", language="zh-TW")
    assert "天氣" in heard.text


def test_speech_streams(client: OpenAI) -> None:
    text = " ".join([SENTENCE] * 12)
    began = time.monotonic()
    with client.audio.speech.with_streaming_response.create(
        input=text, model="tts-1", voice="hibari-us", response_format="pcm"
    ) as answer:
        pieces: list[bytes] = []
        for piece in answer.iter_bytes():
            if not pieces:
                first_s = time.monotonic() - began
            pieces.append(piece)
    whole_s = time.monotonic() - began
    assert len(b"".join(pieces)) / 2 / WIRE_RATE > 15
    assert first_s < whole_s * 0.6, (first_s, whole_s)


def test_speech_as_events(client: OpenAI) -> None:
    sound = b""
    with client.audio.speech.with_streaming_response.create(
        input=SENTENCE, model="tts-1", voice="hibari-us", response_format="pcm", stream_format="sse"
    ) as answer:
        events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
    assert [event["type"] for event in events[:-1]] == ["speech.audio.delta"] * (len(events) - 1)
    assert events[-1]["type"] == "speech.audio.done"
    sound = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert len(sound) / 2 / WIRE_RATE > 1.0


def test_a_verbose_transcription_has_words_and_segments(client: OpenAI, spoken: bytes) -> None:
    told = client.audio.transcriptions.create(
        file=named(spoken),
        model="whisper-1",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert told.language == "en"
    assert told.words is not None
    assert told.segments is not None
    assert [word.word.lower().strip(".") for word in told.words] == ["the", "weather", "is", "nice", "today"]
    assert all(word.start <= word.end for word in told.words)
    assert [segment.text for segment in told.segments] == [told.text]
    assert told.segments[0].end <= told.duration + 0.1
    assert told.segments[0].avg_logprob < 0


@pytest.mark.parametrize(("kind", "begins"), [("srt", "1\n00:00:00,"), ("vtt", "WEBVTT\n\n00:00:00."), ("text", "The")])
def test_a_transcription_as_text_and_captions(client: OpenAI, spoken: bytes, kind: Any, begins: str) -> None:
    told = client.audio.transcriptions.create(file=named(spoken), model="whisper-1", response_format=kind)
    assert isinstance(told, str)
    assert told.startswith(begins)
    assert "weather is nice" in told


def test_a_transcription_as_it_is_heard(client: OpenAI, stack: Stack) -> None:
    said = [
        decode(client.audio.speech.create(input=text, model="t", voice="").content, rate=STT_RATE).pcm
        for text in (SENTENCE, "My sister lives by the sea.")
    ]
    from inference.audio.wav import encode_wav

    file = encode_wav((b"\0\0" * STT_RATE * 3).join(said), rate=STT_RATE)
    stream = client.audio.transcriptions.create(file=named(file, "wav"), model="whisper-1", language="en", stream=True)
    events = list(stream)
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert len(deltas) == 2
    assert events[-1].type == "transcript.text.done"
    assert "".join(deltas) == events[-1].text
    assert "weather" in deltas[0]
    assert "sister" in deltas[1]


def test_models_are_listed_the_chat_model_first(client: OpenAI) -> None:
    models = list(client.models.list())
    kinds = [model.model_extra["kind"] for model in models if model.model_extra]
    assert kinds[0] == "chat"
    assert {"chat", "stt", "tts"} == set(kinds)
    assert models[0].model_extra["max_model_len"] > 0  # type: ignore[index]
    assert client.models.retrieve(models[0].id).id == models[0].id
    with pytest.raises(openai.NotFoundError, match="no model"):
        client.models.retrieve("gpt-5")


def test_a_chat_completion(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Say hello."}], max_completion_tokens=20, seed=1
    )
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 20
    assert "/" not in answer.model


def test_a_chat_completion_streams(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": "Tell me a story."}],
        max_tokens=40,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert len([piece for piece in text if piece]) > 5
    assert any(chunk.choices and chunk.choices[0].finish_reason for chunk in chunks)
    assert chunks[-1].usage is not None


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_is_called(client: OpenAI, stream: bool) -> None:
    asked: Any = {
        "model": "any",
        "messages": [{"role": "user", "content": "What is the weather in Taipei?"}],
        "tools": [WEATHER],
        "tool_choice": "required",
        "max_tokens": 100,
    }
    if stream:
        pieces = [
            call.function
            for chunk in client.chat.completions.create(**asked, stream=True)
            for choice in chunk.choices
            for call in choice.delta.tool_calls or ()
        ]
        name = "".join(piece.name or "" for piece in pieces)
        arguments = "".join(piece.arguments or "" for piece in pieces)
    else:
        call = client.chat.completions.create(**asked).choices[0].message.tool_calls[0].function
        name, arguments = call.name, call.arguments
    assert name == "get_weather"
    assert isinstance(json.loads(arguments)["city"], str)


def test_the_sdk_understands_refusals(client: OpenAI, stack: Stack) -> None:
    with pytest.raises(openai.BadRequestError, match="empty"):
        client.audio.speech.create(input=" ", model="tts-1", voice="alloy")
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.transcriptions.create(file=named(b"this is no sound" * 20), model="whisper-1")
    assert refused.value.code == "invalid_audio"
    wizard: Any = {"role": "wizard", "content": "x"}
    with pytest.raises(openai.BadRequestError, match="role"):
        client.chat.completions.create(model="any", messages=[wizard])
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="any", input="x")
    stranger = OpenAI(api_key="avatar_" + "a" * 10 + "_" + "b" * 43, base_url=f"{stack.base_url}/v1", max_retries=0)
    with pytest.raises(openai.AuthenticationError, match="not valid"):
        stranger.models.list()
