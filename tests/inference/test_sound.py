"""Silence, loudness and edges of synthesised speech."""

import numpy as np
import pytest

from inference.speech import sound
from inference.types import WIRE_RATE


def tone(seconds: float, amplitude: float) -> sound.Samples:
    """A tone that swells four times a second, about as speech does."""
    t = np.arange(int(seconds * WIRE_RATE)) / WIRE_RATE
    return (amplitude * np.sin(2 * np.pi * 220 * t) * np.abs(np.sin(2 * np.pi * 2 * t))).astype(np.float32)


def silence(seconds: float) -> sound.Samples:
    return np.random.default_rng(1).normal(0, 1e-4, int(seconds * WIRE_RATE)).astype(np.float32)


def test_silence_around_speech_is_cut_and_inside_is_kept() -> None:
    speech = np.concatenate((tone(0.5, 0.3), silence(0.4), tone(0.5, 0.3)))
    cut = sound.trimmed(np.concatenate((silence(0.4), speech, silence(0.6))))
    assert abs(len(cut) - len(speech)) < 0.1 * WIRE_RATE


def test_a_soft_beginning_is_kept() -> None:
    hiss = np.random.default_rng(1).normal(0, 0.006, WIRE_RATE // 10).astype(np.float32)
    cut = sound.trimmed(np.concatenate((silence(0.3), hiss, tone(0.5, 0.4))))
    assert len(cut) >= 0.6 * WIRE_RATE


def test_silence_is_nothing() -> None:
    assert sound.finished(silence(1.0), gain_db=20.0, gap_s=0.2) == b""
    assert sound.finished(np.zeros(0, np.float32), gain_db=0.0, gap_s=0.2) == b""
    assert sound.speech_rms_db(np.zeros(WIRE_RATE, np.float32)) == float("-inf")


def test_pauses_do_not_count_as_loudness() -> None:
    speech = tone(1.0, 0.4)
    assert sound.speech_rms_db(np.concatenate((speech, silence(3.0)))) == pytest.approx(
        sound.speech_rms_db(speech), abs=0.1
    )


@pytest.mark.parametrize("gain_db", [0.0, 12.0, 40.0])
def test_nothing_is_louder_than_the_limit(gain_db: float) -> None:
    pcm = np.frombuffer(sound.finished(tone(1.0, 0.9), gain_db=gain_db, gap_s=0.0), "<i2")
    assert np.abs(pcm.astype(int)).max() <= sound.PEAK * 32768


def test_below_the_knee_nothing_is_bent() -> None:
    speech = tone(0.5, 0.6)
    assert sound.limited(speech) is speech


def test_pieces_begin_and_end_without_a_click_and_with_their_gap() -> None:
    pcm = np.frombuffer(sound.finished(tone(0.73, 0.5), gain_db=0.0, gap_s=0.2), "<i2").astype(int)
    assert abs(pcm[0]) < 30
    assert not pcm[-int(0.2 * WIRE_RATE) :].any()
    assert np.abs(np.diff(pcm)).max() < 2000


@pytest.mark.parametrize(
    ("text", "longer_than"),
    [("It is done.", "It is done,"), ("「好。」", "好，"), ("Really? ", "Really"), ("He said “no.”", "He said")],
)
def test_a_sentence_is_followed_by_a_longer_gap_than_a_clause(text: str, longer_than: str) -> None:
    assert sound.gap_after(text) > sound.gap_after(longer_than)
