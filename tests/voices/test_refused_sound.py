"""What is wrong with a recording is said in the reader's language, whatever is wrong with it."""

import io
import wave
from collections.abc import Callable

import numpy as np
import pytest
from django.utils import translation

from inference.audio.decode import DecodeLimits, decode
from inference.errors import AudioRefused
from inference.types import WIRE_RATE
from tests.inference.sound_files import encoded, pcm_wav, tone
from voices import refused_sound

LIMITS = DecodeLimits(max_bytes=2 * 1024 * 1024, max_seconds=5)


def cut() -> bytes:
    whole = encoded(tone(4.0, 16_000), 16_000, "flac", "flac")
    return whole[: len(whole) // 3]


def channels(count: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(count)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.zeros(16_000 * count, "<i2").tobytes())
    return out.getvalue()


WRONG: dict[str, Callable[[], bytes]] = {
    "too_large": lambda: bytes(3 * 1024 * 1024),
    "empty": lambda: b"",
    "too_long": lambda: encoded(np.zeros(16_000 * 9, np.int16), 16_000, "ogg", "libopus"),
    "cut": cut,
    "rate": lambda: pcm_wav(bytes(4000), rate=2000),
    "channels": lambda: channels(40),
    "not_audio": lambda: b"no sound at all" * 100,
}


@pytest.mark.parametrize("why", WRONG)
def test_a_refusal_says_the_same_in_both_languages(why: str) -> None:
    with pytest.raises(AudioRefused) as caught:
        decode(WRONG[why](), rate=WIRE_RATE, limits=LIMITS)
    error = caught.value
    assert error.why == why
    told = refused_sound.invalid(error)
    assert told.code == "audio"
    with translation.override("en"):
        assert str(told) == error.message
    with translation.override("zh-hant"):
        said = str(told)
    assert said != error.message
    assert "%" not in said
    for value in error.values.values():
        assert str(value) in said


def test_what_is_not_known_keeps_its_own_words() -> None:
    assert str(refused_sound.invalid(AudioRefused("Something 100 % new."))) == "Something 100 % new."
