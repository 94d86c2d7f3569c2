"""Speech over an answer, in virtual time: held after a moment, cancelled when it goes on, resumed when it was nothing.

The voice activity is told and the sound is one that articulates, so only the timing is tested here.
"""

import functools

import numpy as np
import pytest

from conversations.realtime.listening.settings import TurnSettings
from conversations.realtime.turn_events import (
    BargeInConfirmed,
    BargeInDropped,
    BargeInSuspected,
    SpeechStarted,
    SpeechStopped,
)
from tests.conversations.listening import MS, Session, Sound, ToldVad

SETTINGS = TurnSettings(silence_duration_ms=500)


@functools.cache
def changing(ms: int) -> Sound:
    """Noise whose colour changes from moment to moment, as words do and a hum does not."""
    rng = np.random.default_rng(2)
    pieces = []
    for _ in range(-(-ms // 40)):
        noise, cutoff = rng.normal(0, 1, 40 * MS), rng.uniform(0.02, 0.5)
        spectrum = np.fft.rfft(noise)
        spectrum[int(len(spectrum) * cutoff) :] *= 0.05
        pieces.append(np.fft.irfft(spectrum, 40 * MS))
    sound = np.concatenate(pieces)[: ms * MS]
    loud: Sound = (sound / np.abs(sound).max() * 9_000).astype(np.int16)
    return loud


@functools.cache
def humming(ms: int) -> Sound:
    hum: Sound = (np.sin(np.arange(ms * MS) * 2 * np.pi * 140 / (1_000 * MS)) * 9_000).astype(np.int16)
    return hum


def over_an_answer(*speech: tuple[int, int], until: int = 60_000, settings: TurnSettings = SETTINGS) -> Session:
    session = Session(ToldVad(*speech), settings)
    session.at(0, lambda: session.detector.answer_playing(True))
    session.at(until, lambda: session.detector.answer_playing(False))
    return session


def test_speech_over_an_answer_is_held_then_cancels_it_and_becomes_a_turn_with_its_beginning() -> None:
    session = over_an_answer((1_920, 4_000)).hear(changing(6_000))
    assert session.names[:3] == ["BargeInSuspected", "SpeechStarted", "BargeInConfirmed"]
    assert session.names[3:] == ["SpeechPaused", "SpeechStopped"]
    assert session.when(BargeInSuspected)[0] - 1_920 <= 160
    assert 400 <= session.when(BargeInConfirmed)[0] - 1_920 <= 440
    assert session.of(SpeechStarted) == [SpeechStarted(start_ms=1_920 - 300)]
    (stopped,) = session.of(SpeechStopped)
    assert isinstance(stopped, SpeechStopped)
    assert stopped.audio[:4_800] == changing(6_000)[1_620 * MS :][:2_400].tobytes()


@pytest.mark.parametrize("length", [160, 224, 288, 352])
def test_a_cough_lets_the_answer_go_on_and_is_no_turn(length: int) -> None:
    session = over_an_answer((1_920, 1_920 + length)).hear(changing(6_000))
    assert session.names == ["BargeInSuspected", "BargeInDropped"]
    assert session.when(BargeInDropped)[0] - (1_920 + length) <= 280


def test_a_click_over_an_answer_is_not_even_suspected() -> None:
    assert over_an_answer((1_920, 2_016)).hear(changing(4_000)).names == []


def test_a_hum_as_long_as_a_sentence_begins_does_not_interrupt_but_an_endless_one_does() -> None:
    assert over_an_answer((1_920, 2_560)).hear(humming(6_000)).names == ["BargeInSuspected", "BargeInDropped"]
    assert "BargeInConfirmed" in over_an_answer((1_920, 4_000)).hear(humming(6_000)).names


def test_words_with_a_gap_between_them_add_up() -> None:
    session = over_an_answer((1_920, 2_208), (2_400, 3_200)).hear(changing(6_000))
    assert session.names[:3] == ["BargeInSuspected", "SpeechStarted", "BargeInConfirmed"]


def test_how_much_speech_confirms_is_a_setting() -> None:
    settings = TurnSettings(silence_duration_ms=500, barge_in_confirm_ms=800)
    session = over_an_answer((1_920, 4_000), settings=settings).hear(changing(6_000))
    assert 800 <= session.when(BargeInConfirmed)[0] - 1_920 <= 840


def test_without_interruption_speech_over_an_answer_is_a_turn_like_any_other() -> None:
    settings = TurnSettings(silence_duration_ms=500, interrupt_response=False)
    session = over_an_answer((1_920, 2_208), settings=settings).hear(changing(6_000))
    assert session.names == ["SpeechStarted", "SpeechPaused", "SpeechStopped"]


def test_a_short_answer_into_the_last_syllable_is_heard() -> None:
    """The answer ends while the suspicion is open, and while its short speech has just ended."""
    for until in (2_100, 2_240, 2_340):
        session = over_an_answer((1_920, 2_208), until=until).hear(changing(6_000))
        assert session.names == ["BargeInSuspected", "BargeInDropped", "SpeechStarted", "SpeechPaused", "SpeechStopped"]
        assert session.of(SpeechStarted) == [SpeechStarted(start_ms=1_620)]
        (stopped,) = session.of(SpeechStopped)
        assert isinstance(stopped, SpeechStopped)
        assert stopped.speech_end_ms == 2_208


def test_speech_that_begins_before_the_answer_is_audible_needs_no_confirmation() -> None:
    session = Session(ToldVad((960, 2_016)), SETTINGS)
    session.at(1_200, lambda: session.detector.answer_playing(True))
    assert session.hear(changing(4_000)).names == ["SpeechStarted", "SpeechPaused", "SpeechStopped"]


@pytest.mark.parametrize("forget", ["clear", "configure"])
def test_a_suspicion_never_stays_open(forget: str) -> None:
    session = over_an_answer((1_920, 2_400))
    if forget == "clear":
        session.at(2_200, session.detector.clear)
    else:
        session.at(2_200, lambda: session.detector.configure(TurnSettings(interrupt_response=False)))
    session.hear(changing(6_000))
    assert len(session.of(BargeInSuspected)) == len(session.of(BargeInDropped, BargeInConfirmed)) >= 1
    assert session.of(BargeInConfirmed) == []


def test_every_suspicion_is_resolved_whatever_is_said_when() -> None:
    rng = np.random.default_rng(11)
    for _ in range(60):
        edges = sorted(int(edge) * 32 for edge in rng.choice(190, 8, replace=False))
        session = over_an_answer(*zip(edges[::2], edges[1::2], strict=True), until=int(rng.integers(0, 6_000)))
        session.hear(changing(7_000))
        open_now = 0
        for name in session.names:
            open_now += {"BargeInSuspected": 1, "BargeInConfirmed": -1, "BargeInDropped": -1}.get(name, 0)
            assert open_now in {0, 1}
        assert open_now == 0
