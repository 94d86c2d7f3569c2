"""Speech for tests of voices, made by the embedded voices of the real engine host."""

import functools
import time
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from django.conf import settings

from common import engine
from inference.audio.wav import encode_wav
from inference.types import WIRE_RATE
from tests.engine_host import RunningHost
from voices import presets

LONG = "The garden behind the old house was quiet in the morning, and a small brown bird sat on the fence and sang."


@pytest.fixture
def engines(engine_host: RunningHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningHost]:
    """The services ask the real host."""
    pointed = msgspec.structs.replace(settings.INFERENCE, engine_url=engine_host.url)
    monkeypatch.setattr(settings, "INFERENCE", pointed)
    presets.forget()
    yield engine_host
    presets.forget()


@functools.cache
def said(text: str, voice: str, language: str = "en", speed: float = 1.0) -> bytes:
    """``text`` in an embedded voice and no other; PCM16 mono at `WIRE_RATE`."""

    async def work(client):  # type: ignore[no-untyped-def]
        async with client.speech(text, voice=voice, language=language, speed=speed) as speech:
            return speech.made, b"".join([piece async for piece in speech])

    for _ in range(20):
        made, sound = engine.ask(work)
        if made.voice == voice:
            return bytes(sound)
        time.sleep(1.0)  # Its engine is not there yet, and another stood in.
    raise AssertionError(f"{voice} does not speak: {made}")


def room(pcm: bytes, *, level: float = 0.0004, before_s: float = 0.4, after_s: float = 0.4) -> bytes:
    """The speech in a quiet room, as a microphone takes it."""
    speech = np.frombuffer(pcm, "<i2").astype(np.float32)
    silence = [np.zeros(int(seconds * WIRE_RATE), np.float32) for seconds in (before_s, after_s)]
    whole = np.concatenate((silence[0], speech, silence[1]))
    noise = np.random.default_rng(0).normal(0, level * 32768, len(whole))
    return (whole + noise).clip(-32768, 32767).astype("<i2").tobytes()


def wav(pcm: bytes) -> bytes:
    return encode_wav(pcm, rate=WIRE_RATE)
