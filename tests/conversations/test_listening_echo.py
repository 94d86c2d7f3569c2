"""The answer coming back into the microphone is nobody's turn; somebody who speaks over it is heard."""

import time

import numpy as np
import pytest

from conversations.realtime.listening.echo import CONTEXT_MS, EchoGuard
from conversations.realtime.listening.settings import TurnSettings
from conversations.realtime.turn_events import BargeInConfirmed, BargeInDropped, BargeInSuspected, SpeechStarted
from inference.audio import vad
from tests.conversations.listening import MS, Session, Sound, assistant, echo, mixed, user

pytestmark = pytest.mark.models
ANSWERS = (
    "The weather in London is mild today, with light rain in the afternoon. You might want to take an umbrella.",
    "A dog needs walks and company every day. A cat is more independent, but it still needs play and food.",
)
FIXED = TurnSettings(silence_duration_ms=500)
START = 1_000


def answered(answer: Sound, *others: tuple[int, Sound | np.ndarray], settings: TurnSettings = FIXED) -> Session:
    """An answer is played; the microphone hears the others."""
    session = Session(vad.load(), settings)
    session.answer(answer, START)
    return session.hear(mixed(*others, length_ms=START + len(answer) // MS + 3_000))


@pytest.mark.parametrize("delay_ms", [0, 130, 480, 1_000])
@pytest.mark.parametrize("path", ["wire", "telephone", "room"])
def test_the_answer_at_minus_20_db_is_neither_a_turn_nor_an_interruption(delay_ms: int, path: str) -> None:
    for text in ANSWERS:
        answer = assistant(text)
        back = echo(answer, -20, room=path == "room", telephone=path == "telephone")
        session = answered(answer, (START + delay_ms, back))
        assert session.of(SpeechStarted, BargeInConfirmed) == []
        assert len(session.of(BargeInSuspected)) == len(session.of(BargeInDropped)) <= 1


@pytest.mark.parametrize("decibels", [-10, -30])
def test_loud_and_faint_echoes_neither(decibels: int) -> None:
    answer = assistant(ANSWERS[0])
    assert answered(answer, (START + 200, echo(answer, decibels))).of(SpeechStarted, BargeInConfirmed) == []


def test_an_echo_is_no_turn_either_when_answers_are_not_interrupted() -> None:
    settings = TurnSettings(silence_duration_ms=500, interrupt_response=False)
    answer = assistant(ANSWERS[0])
    assert answered(answer, (START + 300, echo(answer, -20)), settings=settings).names == []


@pytest.mark.parametrize("room", [False, True])
def test_the_tail_of_the_echo_after_the_answer_has_ended_is_no_turn(room: bool) -> None:
    answer = assistant(ANSWERS[1])
    session = answered(answer, (START + 1_100, echo(answer, -10, room=room)))
    assert session.of(SpeechStarted, BargeInConfirmed) == []


@pytest.mark.parametrize("begins_ms", [300, 2_000])
@pytest.mark.parametrize("voice", [user, assistant])
def test_somebody_who_speaks_over_the_echo_interrupts(begins_ms: int, voice: object) -> None:
    """Even in the assistant's own voice: it is the sound that is compared, not the speaker."""
    answer = assistant(ANSWERS[0])
    for room in (False, True):
        words: Sound = voice("Wait a moment please, I have another question.")  # type: ignore[operator]
        at = START + begins_ms
        session = answered(answer, (START + 150, echo(answer, -20, room=room)), (at, words))
        assert len(session.of(BargeInConfirmed)) == 1
        held = [moment for moment in session.when(BargeInSuspected) if moment > at]
        assert held[0] - at <= 300
        assert session.when(BargeInConfirmed)[0] - at <= 1_000


def test_an_echo_that_begins_while_the_reference_is_unknown_is_speech() -> None:
    """Another loudspeaker in the room is not ours: the comparison is with what was played, not with voices."""
    session = Session(vad.load(), FIXED)
    session.answer(assistant(ANSWERS[1]), START)
    session.hear(mixed((START + 500, echo(assistant(ANSWERS[0]), -10)), length_ms=9_000))
    assert len(session.of(BargeInConfirmed)) == 1


def test_what_was_cut_off_is_no_reference_any_more() -> None:
    guard = EchoGuard()
    guard.played(assistant(ANSWERS[0]).tobytes(), 1_000 * MS)
    assert guard.possible(3_000 * MS, 3_200 * MS)
    guard.played(b"", 1_500 * MS)
    assert not guard.possible(3_000 * MS, 3_200 * MS)
    assert guard.possible(2_500 * MS, 2_700 * MS)


def test_the_reference_is_bounded() -> None:
    guard = EchoGuard()
    for second in range(400):
        guard.played(bytes(1_000 * MS * 2), second * 1_000 * MS)
    assert sum(len(segment.pcm) for segment in guard._segments) <= 121 * 1_000 * MS


def test_a_comparison_takes_milliseconds() -> None:
    answer = assistant(ANSWERS[0])
    guard = EchoGuard()
    guard.played(answer.tobytes(), 0)
    sound = mixed((300, echo(answer, -20)))
    start, onset = 500 * MS, (500 + CONTEXT_MS) * MS
    pcm = sound[start : onset + 130 * MS].tobytes()
    guard.compare(pcm, start, onset)
    begin = time.thread_time()
    for _ in range(10):
        assert guard.compare(pcm, start, onset).explained > 0.9
    assert (time.thread_time() - begin) / 10 < 0.02
