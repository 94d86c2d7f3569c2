"""Speech written as mp3, opus, aac, flac, wav and pcm while it comes: it is the sound, and early."""

import numpy as np
import pytest

from inference.audio.decode import decode
from inference.audio.encode import FORMATS, SoundEncoder, SoundFormat
from inference.audio.pcm import to_float
from inference.types import WIRE_RATE

SECONDS = 3.0
TONE_HZ = 440.0


def tone() -> bytes:
    moments = np.arange(int(SECONDS * WIRE_RATE)) / WIRE_RATE
    return bytes((np.sin(2 * np.pi * TONE_HZ * moments) * 8000).astype("<i2").tobytes())


def encoded(kind: SoundFormat, pcm: bytes, step: int = 4801) -> tuple[list[bytes], bytes]:
    """What came while it was fed in odd pieces, and at the end."""
    encoder = SoundEncoder(kind, WIRE_RATE)
    return [encoder.feed(pcm[at : at + step]) for at in range(0, len(pcm), step)], encoder.finish()


def pitch(pcm: bytes) -> float:
    """The loudest frequency of the middle second."""
    sound = to_float(pcm)
    middle = sound[len(sound) // 2 - WIRE_RATE // 2 :][:WIRE_RATE]
    return float(np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax())


@pytest.mark.parametrize("kind", FORMATS)
def test_it_is_the_sound_that_was_fed(kind: SoundFormat) -> None:
    pieces, rest = encoded(kind, tone())
    data = b"".join(pieces) + rest
    pcm = data if kind == "pcm" else decode(data, rate=WIRE_RATE).pcm
    assert len(pcm) / 2 / WIRE_RATE == pytest.approx(SECONDS, abs=0.1)
    assert pitch(pcm) == pytest.approx(TONE_HZ, abs=2)


@pytest.mark.parametrize("kind", FORMATS)
def test_it_comes_while_it_is_spoken(kind: SoundFormat) -> None:
    pieces, rest = encoded(kind, tone())
    # Half of it has left by the time that two thirds were spoken.
    early = sum(map(len, pieces[: len(pieces) * 2 // 3]))
    assert early > (sum(map(len, pieces)) + len(rest)) / 2


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "pcm"])
def test_nothing_spoken_is_a_file_all_the_same(kind: SoundFormat) -> None:
    assert SoundEncoder(kind, WIRE_RATE).finish()
