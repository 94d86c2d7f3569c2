"""From the wire's rate to the voice activity model's, without holding sound back."""

import numpy as np
import pytest

from conversations.realtime.listening.resample import TAPS, Downsampler
from inference.types import STT_RATE, WIRE_RATE


def tone(hz: float, seconds: float = 1.0, rate: int = WIRE_RATE) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate).astype(np.float32)


def level(sound: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(sound[500:-500].astype(np.float64) ** 2)) + 1e-9))


@pytest.mark.parametrize("hz", [100, 1_000, 3_000, 6_000])
def test_speech_passes_as_it_is(hz: int) -> None:
    down = Downsampler().feed(tone(hz))
    assert len(down) == STT_RATE
    assert abs(level(down) - level(tone(hz))) < 0.1
    delay = (TAPS * 2 - 1) / 2 / (WIRE_RATE * 2)
    expected = np.sin(2 * np.pi * hz * (np.arange(STT_RATE) / STT_RATE - delay))
    assert np.abs(down[500:-500] - expected[500:-500]).max() < 0.02


@pytest.mark.parametrize("hz", [8_500, 10_000, 11_500])
def test_what_the_lower_rate_cannot_hold_is_gone(hz: int) -> None:
    assert level(Downsampler().feed(tone(hz))) - level(tone(hz)) < -50


def test_frames_join_without_a_seam_and_nothing_is_held_back() -> None:
    sound = np.random.default_rng(0).normal(0, 1, 768 * 40).astype(np.float32)
    whole = Downsampler().feed(sound)
    stream = Downsampler()
    frames = [stream.feed(sound[start : start + 768]) for start in range(0, len(sound), 768)]
    assert {len(frame) for frame in frames} == {512}
    assert np.allclose(np.concatenate(frames), whole, atol=1e-5)


def test_a_frame_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        Downsampler().feed(np.zeros(100, np.float32))
