"""The rate changes as sound streams in: same pitch, same time, next to no delay, whatever the pieces' sizes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.audio.pcm import from_float, to_float
from inference.audio.resample import Resampler, resample
from tests.inference.sound_files import tone

PAIRS = [(24_000, 16_000), (16_000, 24_000), (48_000, 16_000), (44_100, 16_000), (8_000, 24_000), (22_050, 24_000)]


def _level_db(hz: float, src: int, dst: int) -> float:
    out = np.frombuffer(resample(tone(1.0, src, hz).tobytes(), src, dst), "<i2").astype(float)[1000:-1000]
    return float(20 * np.log10(np.sqrt(np.mean(out**2)) / (11_000 / np.sqrt(2)) + 1e-9))


@pytest.mark.parametrize(("src", "dst"), PAIRS)
def test_the_sound_is_the_same_at_the_same_time(src: int, dst: int) -> None:
    out = np.frombuffer(resample(tone(0.5, src).tobytes(), src, dst), "<i2").astype(int)
    assert len(out) == dst // 2
    assert np.abs(out - tone(0.5, dst).astype(int))[100:-100].max() < 12


@pytest.mark.parametrize(("src", "dst"), PAIRS)
def test_the_length_is_kept_to_the_sample(src: int, dst: int) -> None:
    for samples in (0, 1, 2, 7, 999, 12_345):
        assert len(resample(bytes(samples * 2), src, dst)) // 2 == -(-samples * dst // src)


def test_what_the_lower_rate_cannot_hold_is_gone() -> None:
    assert _level_db(6_000, 24_000, 16_000) == pytest.approx(0, abs=0.1)
    for hz in (9_000, 10_000, 11_500):
        assert _level_db(hz, 24_000, 16_000) < -60


def test_it_lags_less_than_two_milliseconds() -> None:
    stream, out = Resampler(24_000, 16_000), 0
    for piece in range(1, 50):
        out += len(stream.feed(bytes(960))) // 2
        assert piece * 20 - out / 16 < 2


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 3001), min_size=1, max_size=12), pair=st.sampled_from(PAIRS))
def test_pieces_of_any_size_make_the_same_stream(sizes: list[int], pair: tuple[int, int]) -> None:
    """Odd byte counts too: half a sample waits for its other half."""
    data = np.random.default_rng(sum(sizes)).bytes(sum(sizes) & ~1)
    stream, at, out = Resampler(*pair), 0, b""
    for size in sizes:
        out += stream.feed(data[at : at + size])
        at += size
    out += stream.feed(data[at:], last=True)
    whole = np.frombuffer(resample(data, *pair), "<i2").astype(int)
    pieces = np.frombuffer(out, "<i2").astype(int)
    assert len(pieces) == len(whole)
    assert np.abs(pieces - whole).max(initial=0) <= 1


def test_after_the_last_piece_it_starts_anew() -> None:
    stream, data = Resampler(24_000, 16_000), tone(0.1, 24_000).tobytes()
    assert stream.feed(data, last=True) == stream.feed(data, last=True)


def test_equal_rates_pass_through() -> None:
    data = tone(0.1, 16_000).tobytes()
    assert Resampler(16_000, 16_000).feed(data) == data


def test_full_scale_is_clipped_and_does_not_wrap() -> None:
    square = np.where(np.arange(4800) // 24 % 2, 32767, -32768).astype("<i2")
    out = np.frombuffer(resample(square.tobytes(), 48_000, 16_000), "<i2").astype(int)
    reference = square.astype(int)[::3]
    assert (np.sign(out) == np.sign(reference))[4:-4].mean() > 0.85


def test_float_and_back() -> None:
    data = np.random.default_rng(0).bytes(2000)
    assert from_float(to_float(data)) == data
    assert np.frombuffer(from_float(np.array([2.0, -2.0], np.float32)), "<i2").tolist() == [32767, -32768]
