"""Speech is stored as Opus and comes back the same length, and much like it was."""

import numpy as np
import pytest

from inference.audio.decode import decode
from inference.audio.opus import decode_opus, encode_opus
from inference.audio.wav import encode_wav
from inference.errors import AudioRefused
from tests.inference.sound_files import loudest_hz, tone

RATE = 24_000


@pytest.mark.parametrize("samples", [480, 1234, 24_000, 60_001])
def test_the_length_is_kept(samples: int) -> None:
    pcm = tone(samples / RATE + 0.01, RATE)[:samples].tobytes()
    assert len(decode_opus(encode_opus(pcm))) == len(pcm)


def test_it_is_small_and_in_time() -> None:
    rng = np.random.default_rng(0)
    envelope = np.repeat(rng.uniform(0.1, 1.0, 50), RATE // 25)
    sound = tone(2.0, RATE) * envelope
    data = encode_opus(sound.astype("<i2").tobytes())
    back = np.frombuffer(decode_opus(data), "<i2").astype(float)
    assert len(data) < 2 * 4500
    assert data[:4] == b"OggS"
    assert np.corrcoef(back, sound)[0, 1] > 0.9


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_other_rates(rate: int) -> None:
    data = encode_opus(tone(1.0, rate).tobytes(), rate=rate)
    assert loudest_hz(decode_opus(data, rate=16_000), 16_000) == pytest.approx(440, abs=2)


def test_anybody_else_can_read_it() -> None:
    assert decode(encode_opus(tone(1.0, RATE).tobytes()), rate=RATE).duration_s == pytest.approx(1.0, abs=0.01)


def test_no_sound_is_no_file() -> None:
    assert encode_opus(b"") == b""
    assert decode_opus(b"") == b""


def test_a_rate_that_opus_has_not() -> None:
    with pytest.raises(ValueError, match="44100"):
        encode_opus(bytes(100), rate=44_100)


@pytest.mark.parametrize("data", [b"no Opus", encode_wav(bytes(1000), rate=RATE)])
def test_what_is_not_opus_is_refused(data: bytes) -> None:
    with pytest.raises(AudioRefused):
        decode_opus(data)
