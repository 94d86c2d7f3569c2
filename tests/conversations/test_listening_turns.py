"""Turns in virtual time: the voice activity is told, so only the timing is tested here."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.realtime.listening.endpointing import UNANSWERED_MS
from conversations.realtime.listening.settings import MAX_UTTERANCE_MS, TurnSettings
from conversations.realtime.turn_events import (
    IdleTimeout,
    PauseLasts,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    SpeechStopped,
    TurnEvent,
)
from inference.types import STT_RATE
from tests.conversations.listening import MS, Session, ToldVad, silence

FRAME = 32


def test_a_turn_begins_with_its_padding_and_ends_after_the_silence_that_was_asked_for() -> None:
    session = Session(ToldVad((960, 1_920)), TurnSettings(silence_duration_ms=500, prefix_padding_ms=300))
    sound = silence(4_000)
    session.hear(sound)
    assert session.names == ["SpeechStarted", "SpeechPaused", "SpeechStopped"]
    (started,), (stopped,) = session.of(SpeechStarted), session.of(SpeechStopped)
    assert isinstance(stopped, SpeechStopped)
    assert started == SpeechStarted(start_ms=960 - 300)
    assert (stopped.start_ms, stopped.speech_end_ms, stopped.end_ms) == (660, 1_920, 1_920 + 500)
    assert stopped.audio == sound[660 * MS : 2_420 * MS].tobytes()


@pytest.mark.parametrize("silence_ms", [0, 40, 200, 501, 999])
def test_a_silence_duration_is_kept_to_the_millisecond(silence_ms: int) -> None:
    session = Session(ToldVad((960, 1_920)), TurnSettings(silence_duration_ms=silence_ms)).hear(silence(4_000), chunk=1)
    (stopped,) = session.of(SpeechStopped)
    assert isinstance(stopped, SpeechStopped)
    # Silence is noticed with the first silent frame, which has to be over.
    assert stopped.end_ms == 1_920 + max(silence_ms, FRAME)
    assert session.when(SpeechStopped) == [stopped.end_ms]


def test_smart_turn_and_the_words_shorten_or_stretch_the_wait() -> None:
    ends = {}
    for probability, text in ((0.95, "Why?"), (0.95, "It was a long day."), (0.05, "And then"), (0.05, "and then,")):
        session = Session(ToldVad((960, 2_880)))
        session.at(3_060, lambda s=session, p=probability: s.detector.set_completion(1, p))  # type: ignore[misc]
        session.at(3_160, lambda s=session, t=text: s.detector.set_completion(1, None, t))  # type: ignore[misc]
        session.hear(silence(8_000))
        ends[text] = session.when(SpeechStopped)[0] - 2_880
    assert ends["Why?"] <= 360
    assert 1_100 <= ends["It was a long day."] <= 1_300
    assert ends["And then"] < ends["and then,"] <= 2_020


def test_what_is_known_late_decides_at_once() -> None:
    session = Session(ToldVad((960, 2_880))).hear(silence(3_400))
    session.detector.set_completion(1, 0.99, "Why?")
    (stopped,) = session.detector.feed(b"")
    assert isinstance(stopped, SpeechStopped)
    assert (stopped.end_ms, stopped.pause) == (3_400, 1)


def test_an_answer_about_an_earlier_pause_is_ignored() -> None:
    session = Session(ToldVad((960, 1_920), (2_112, 3_008)))
    session.at(2_500, lambda: session.detector.set_completion(1, 0.99, "Why?"))
    session.hear(silence(5_000))
    assert session.names == ["SpeechStarted", "SpeechPaused", "SpeechResumed", "SpeechPaused", "SpeechStopped"]
    (stopped,) = session.of(SpeechStopped)
    assert isinstance(stopped, SpeechStopped)
    assert stopped.pause == 2
    assert session.of(SpeechResumed) == [SpeechResumed(pause=1)]
    assert stopped.end_ms - stopped.speech_end_ms == UNANSWERED_MS


def test_a_pause_holds_the_whole_utterance_for_speech_to_text() -> None:
    session = Session(ToldVad((960, 1_920))).hear(silence(4_000))
    (paused,) = session.of(SpeechPaused)
    assert isinstance(paused, SpeechPaused)
    assert paused.speech_end_ms == 1_920
    assert session.when(SpeechPaused)[0] <= 1_920 + 64 + 20
    assert len(paused.audio) // 2 == (1_920 + 64 - 660) * STT_RATE // 1_000


def test_a_doubtful_pause_that_lasts_is_judged_again_once() -> None:
    session = Session(ToldVad((960, 2_880)))
    session.at(3_000, lambda: session.detector.set_completion(1, 0.2, "Where is it?"))
    session.at(3_440, lambda: session.detector.set_completion(1, 0.8))
    session.hear(silence(6_000))
    assert session.names == ["SpeechStarted", "SpeechPaused", "PauseLasts", "SpeechStopped"]
    assert session.when(PauseLasts)[0] <= 2_880 + 480 + FRAME + 20
    assert session.when(SpeechStopped)[0] <= 3_480


def test_a_confident_or_unjudged_pause_is_reported_once_only() -> None:
    for probability in (0.9, None):
        session = Session(ToldVad((960, 2_880)))
        session.at(3_000, lambda s=session, p=probability: s.detector.set_completion(1, p, "It is late."))  # type: ignore[misc]
        assert "PauseLasts" not in session.hear(silence(6_000)).names


def test_a_click_is_no_turn_and_a_short_word_is() -> None:
    assert Session(ToldVad((960, 1_024))).hear(silence(4_000)).names == []
    assert Session(ToldVad((960, 1_184))).hear(silence(4_000)).names == [
        "SpeechStarted",
        "SpeechPaused",
        "SpeechStopped",
    ]


def test_an_endless_utterance_is_cut_and_the_next_goes_on_without_a_gap() -> None:
    sound = silence(130_000)
    session = Session(ToldVad((960, 125_056)), TurnSettings(silence_duration_ms=500)).hear(sound)
    stops = [event for event in session.of(SpeechStopped) if isinstance(event, SpeechStopped)]
    assert [stop.start_ms for stop in stops] == [660, 660 + MAX_UTTERANCE_MS, 660 + 2 * MAX_UTTERANCE_MS]
    assert [stop.pause for stop in stops] == [None, None, 1]
    assert session.when(SpeechStarted)[1:] == session.when(SpeechStopped)[:2]
    assert b"".join(stop.audio for stop in stops) == sound[660 * MS : stops[-1].end_ms * MS].tobytes()


def test_the_next_turn_never_contains_the_last_ones_sound() -> None:
    settings = TurnSettings(silence_duration_ms=96, prefix_padding_ms=1_000)
    session = Session(ToldVad((1_920, 2_880), (3_104, 4_000)), settings).hear(silence(6_000))
    first, second = (event for event in session.of(SpeechStopped) if isinstance(event, SpeechStopped))
    assert second.start_ms == first.end_ms


def test_sound_outside_an_utterance_is_not_kept() -> None:
    session = Session(ToldVad()).hear(silence(120_000))
    kept = session.detector._wire, session.detector._stt
    assert sum((track.end - track.start) * 2 for track in kept) < 100_000


def test_idle_time_is_counted_from_the_end_of_the_answer_and_told_once() -> None:
    session = Session(ToldVad(), TurnSettings(idle_timeout_ms=5_000))
    session.at(1_000, lambda: session.detector.answer_playing(True))
    session.at(3_000, lambda: session.detector.answer_playing(False))
    session.hear(silence(20_000))
    assert session.of(IdleTimeout) == [IdleTimeout(start_ms=3_000, end_ms=8_000)]


def test_nobody_is_idle_before_an_answer_or_while_one_speaks() -> None:
    settings = TurnSettings(idle_timeout_ms=5_000, silence_duration_ms=500)
    assert Session(ToldVad(), settings).hear(silence(20_000)).names == []
    speaking = Session(ToldVad((4_000, 9_024)), settings)
    speaking.at(1_000, lambda: speaking.detector.answer_playing(True))
    speaking.at(3_000, lambda: speaking.detector.answer_playing(False))
    assert "IdleTimeout" not in speaking.hear(silence(20_000)).names


def test_clear_forgets_the_open_utterance() -> None:
    session = Session(ToldVad((960, 1_920), (5_024, 6_016)), TurnSettings(silence_duration_ms=500))
    session.at(1_500, session.detector.clear)
    session.at(1_940, session.detector.clear)
    session.hear(silence(9_000))
    stops = [event for event in session.of(SpeechStopped) if isinstance(event, SpeechStopped)]
    assert [stop.speech_end_ms for stop in stops] == [6_016]


def test_the_client_may_commit_while_somebody_speaks_and_the_rest_is_the_next_turn() -> None:
    session = Session(ToldVad((960, 2_912)), TurnSettings(silence_duration_ms=500))
    assert session.detector.commit() is None
    session.hear(silence(2_000))
    stopped = session.detector.commit()
    assert isinstance(stopped, SpeechStopped)
    assert (stopped.start_ms, stopped.end_ms, stopped.pause) == (660, 2_000, None)
    session.hear(silence(2_000))
    assert session.names == ["SpeechStarted", "SpeechStarted", "SpeechPaused", "SpeechStopped"]


def test_new_settings_end_an_open_utterance_by_themselves() -> None:
    session = Session(ToldVad((960, 1_920)), TurnSettings(silence_duration_ms=3_000))
    session.at(2_200, lambda: session.detector.configure(TurnSettings(silence_duration_ms=500)))
    session.hear(silence(4_000))
    assert session.when(SpeechStopped) == [1_920 + 500]


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 9_000), min_size=1, max_size=60),
    speech=st.lists(st.tuples(st.integers(0, 250), st.integers(1, 60)), max_size=5),
    silence_ms=st.none() | st.integers(0, 900),
)
def test_the_same_sound_in_any_chunks_gives_the_same_turns(
    cuts: list[int], speech: list[tuple[int, int]], silence_ms: int | None
) -> None:
    told = ToldVad(*((start * FRAME, (start + length) * FRAME) for start, length in speech))
    sound = np.arange(9_000 * MS, dtype=np.int16).tobytes()
    whole = Session(told, TurnSettings(silence_duration_ms=silence_ms))
    expected = whole.detector.feed(sound)
    pieces = Session(told, TurnSettings(silence_duration_ms=silence_ms))
    heard: list[TurnEvent] = []
    position = 0
    while position < len(sound):
        for cut in cuts:  # odd numbers of bytes cut samples in two
            heard += pieces.detector.feed(sound[position : position + cut])
            position += cut
    assert heard == expected
