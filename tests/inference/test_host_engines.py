"""The real engines behind the real host: what is said is heard, with figures, and cancelled work is not done."""

import asyncio
import time

import numpy as np
import pytest
import soxr

from inference.errors import EngineRefused
from inference.types import STT_RATE, WIRE_RATE
from tests.engine_host import RunningHost, ready, running_host

pytestmark = pytest.mark.models

SENTENCE = "The weather in Paris is sunny today."


def resampled(pcm: bytes) -> bytes:
    """From `WIRE_RATE` to `STT_RATE`."""
    audio = np.frombuffer(pcm, "<i2").astype(np.float32)
    return np.asarray(soxr.resample(audio, WIRE_RATE, STT_RATE)).astype("<i2").tobytes()


async def spoken(host: RunningHost, text: str) -> bytes:
    async with host.client() as client:
        return b"".join([piece async for piece in client.speak(text, voice="", language="en")])


async def test_what_is_spoken_is_heard(engine_host: RunningHost) -> None:
    sound = await spoken(engine_host, SENTENCE)
    assert 1.5 < len(sound) / WIRE_RATE / 2 < 5
    async with engine_host.client() as client:
        transcript = await client.transcribe(resampled(sound), language="en", words=True)
    assert "weather in Paris" in transcript.text
    assert transcript.confidence > 0.5
    assert transcript.compute_ms > 1
    assert transcript.words[0].start_s < transcript.words[-1].end_s <= transcript.duration_s + 0.5


async def test_silence_is_no_speech(engine_host: RunningHost) -> None:
    async with engine_host.client() as client:
        assert (await client.transcribe(b"\0\0" * STT_RATE * 2)).text == ""


async def test_a_language_that_no_model_knows_is_refused(engine_host: RunningHost) -> None:
    async with engine_host.client() as client:
        with pytest.raises(EngineRefused):
            await client.transcribe(b"\0\0" * STT_RATE, language="xx")


async def test_the_turn_model_hears_the_end_of_a_sentence(engine_host: RunningHost) -> None:
    sound = resampled(await spoken(engine_host, SENTENCE))
    async with engine_host.client() as client:
        await ready(client, "turn")
        finished = await client.end_of_turn(sound)
        cut_off = await client.end_of_turn(sound[: len(sound) // 2])
    assert 0 <= cut_off < finished <= 1


async def test_a_first_sentence_is_not_held_up_by_a_long_text(engine_host: RunningHost) -> None:
    async with engine_host.client() as client:
        long = client.speak(SENTENCE * 60, voice="", language="en", due_in_s=30)
        await anext(long)
        began = time.monotonic()
        await anext(client.speak("Hello there.", voice="", language="en"))
        first_s = time.monotonic() - began
        async with asyncio.timeout(60):
            rest = [piece async for piece in long]
        whole_s = time.monotonic() - began
    assert rest
    assert first_s < whole_s / 2


async def test_the_status_names_engines_voices_and_languages(engine_host: RunningHost) -> None:
    async with engine_host.client() as client:
        status = await client.status()
    assert status.ready
    assert {engine.kind for engine in status.engines if engine.state == "ready"} >= {"stt", "chat", "tts"}
    assert any("en" in voice.languages for voice in status.voices)
    assert all(engine.memory_bytes > 0 for engine in status.engines if engine.state == "ready")
    assert status.context_tokens == 2048


async def test_a_missing_model_is_named_with_its_command_and_the_rest_works(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    empty = tmp_path_factory.mktemp("models")
    with running_host({"AVATAR_MODELS_DIR": str(empty)}) as host:
        async with host.client() as client:
            status = await ready(client, "tts")
            assert not status.ready
            stt = next(engine for engine in (await client.status()).engines if engine.kind == "stt")
            assert (stt.state, "models pull whisper-base" in stt.detail) == ("absent", True)
            assert await anext(client.speak("Hello there.", voice="", language="en"))
