"""The measuring client measures what it says."""

import base64
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from conversations.terminal import memory
from conversations.terminal.bench import Outcome, Plan
from conversations.terminal.clips import Clip, audible
from conversations.terminal.memory import MemorySample
from conversations.terminal.microphone import Asked
from conversations.terminal.report import failed, percentiles, summary, table
from conversations.terminal.turn_watch import TurnWatch
from inference.types import WIRE_RATE


def tone(seconds: float, level: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    t = np.arange(int(WIRE_RATE * seconds)) / WIRE_RATE
    return (np.sin(2 * np.pi * 300 * t) * level * 32767).astype(np.int16)


def watch() -> TurnWatch:
    return TurnWatch(Asked(Clip("question", b"", 1.0, "a question"), time.perf_counter()))


def sound(seconds: float) -> str:
    return base64.b64encode(bytes(int(WIRE_RATE * seconds) * 2)).decode()


def answered(turn: TurnWatch, response: str = "r1", status: str = "completed") -> None:
    turn.handle({"type": "response.output_audio_transcript.delta", "response_id": response, "delta": "Yes."})
    turn.handle({"type": "response.output_audio.delta", "response_id": response, "delta": sound(0.5)})
    turn.handle({"type": "response.done", "response": {"id": response, "status": status}})


def heard(turn: TurnWatch, text: str = "a question") -> None:
    turn.handle({"type": "conversation.item.input_audio_transcription.completed", "item_id": "i1", "transcript": text})


def test_the_end_of_speech_is_the_last_audible_frame() -> None:
    quiet = np.zeros(WIRE_RATE, np.int16)
    pcm, start_s, end_s = audible(np.concatenate([quiet, tone(1.0, 0.5), tone(0.5, 0.003), quiet]).tobytes())
    # 100 ms of lead are kept before the tone; what is 44 dB below it counts as silence.
    assert start_s == pytest.approx(0.1, abs=0.011)
    assert end_s == pytest.approx(1.1, abs=0.011)
    assert len(pcm) / 2 / WIRE_RATE == pytest.approx(1.12, abs=0.011)


def test_a_turn_is_settled_by_transcript_and_answer_together() -> None:
    turn = watch()
    answered(turn)
    assert not turn.settled.is_set()
    heard(turn)
    assert turn.settled.is_set()
    result = turn.result()
    assert not result.errors
    assert (result.transcript, result.reply, result.audio_s) == ("a question", "Yes.", 0.5)
    assert 0 <= result.ms["first_text"] <= result.ms["first_audio"] <= result.ms["done"]


def test_a_cancelled_answer_does_not_count() -> None:
    turn = watch()
    heard(turn)
    answered(turn, "r1", "cancelled")
    assert not turn.settled.is_set()
    answered(turn, "r2")
    assert turn.settled.is_set()


def test_speech_that_goes_on_is_a_split_turn() -> None:
    turn = watch()
    for _ in range(2):
        turn.handle({"type": "input_audio_buffer.speech_started"})
        turn.handle({"type": "input_audio_buffer.speech_stopped"})
    assert turn.result().splits == 1


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"type": "error", "error": {"message": "Out of tea."}}, "Out of tea."),
        ({"type": "conversation.item.input_audio_transcription.failed", "item_id": "i"}, "transcription failed"),
        ({"type": "response.done", "response": {"id": "r", "status": "failed"}}, "the answer ended as failed"),
    ],
)
def test_what_went_wrong_is_told(event: dict[str, object], said: str) -> None:
    turn = watch()
    turn.handle(event)
    assert said in turn.result().errors
    assert "no sound came" in turn.result().errors


def test_percentiles_are_linear_between_neighbours() -> None:
    assert percentiles([10.0, 20.0, 30.0, 40.0]) == {"n": 4, "p50": 25.0, "p95": 38.5, "max": 40.0}


def test_a_missing_turn_fails_the_measurement() -> None:
    plan = Plan(url="ws://x/v1", sessions=2, turns=1)
    turn = watch()
    heard(turn)
    answered(turn)
    outcome = Outcome([turn.result()], [], [MemorySample(0, 900.0, 3)], 1.0, 2.0)
    figures = summary(plan, outcome)
    assert failed(figures)
    assert not failed(summary(Plan(url="ws://x/v1"), outcome) | {"expected_turns": 1})
    assert "900.0 MB" in table(figures)


def test_the_slope_of_memory_is_per_minute() -> None:
    samples = [MemorySample(at_s=s, pss_mb=800 + s / 60 * 3, processes=1) for s in range(0, 600, 5)]
    assert memory.slope_mb_per_min(samples) == pytest.approx(3.0)
    assert memory.slope_mb_per_min(samples[:2]) is None


def test_memory_counts_the_whole_tree() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(50_000_000); print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout
        child.stdout.readline()
        assert child.pid in memory.tree(os.getpid())
        assert memory.sample(os.getpid()).pss_mb > memory.pss_kb(os.getpid()) / 1024 + 45
    finally:
        child.communicate(b"\n")


def asked_over(*answers: str) -> TurnWatch:
    """The question's last sound is captured in 0.5 s, its first was 0.4 s ago."""
    clip = Clip("question", b"", 1.0, "a question", 0.1)
    return TurnWatch(Asked(clip, time.perf_counter() + 0.5), frozenset(answers))


def test_speech_over_an_answer_is_measured_from_its_beginning() -> None:
    turn = asked_over("r0")
    turn.handle({"type": "response.output_audio.delta", "response_id": "r0", "delta": sound(0.1)})
    turn.handle({"type": "avatar.holding", "held": True, "at_ms": 0})
    turn.handle({"type": "response.done", "response": {"id": "r0", "status": "cancelled"}})
    barge_in = turn.result(cut_short=True).barge_in_ms
    assert barge_in["held"] == pytest.approx(400, abs=20)
    assert barge_in["last_sound"] <= barge_in["held"] <= barge_in["cancelled"]


def test_a_hold_that_was_dropped_is_no_barge_in() -> None:
    turn = asked_over("r0")
    turn.handle({"type": "avatar.holding", "held": True, "at_ms": 0})
    turn.handle({"type": "avatar.holding", "held": False, "at_ms": 0})
    assert "held" not in turn.result(cut_short=True).barge_in_ms


def test_the_interrupted_answer_is_not_the_one_to_the_question() -> None:
    turn = asked_over("r0")
    heard(turn)
    answered(turn, "r0")
    assert not turn.sounding.is_set()
    assert "no sound came" in turn.result(cut_short=True).errors
    time.sleep(0.55)
    answered(turn, "r1")
    assert turn.sounding.is_set()
    assert not turn.result(cut_short=True).errors
    assert turn.answers == {"r0", "r1"}


def test_sound_before_the_end_of_the_question_is_an_error() -> None:
    turn = asked_over()
    heard(turn)
    answered(turn)
    assert not turn.sounding.is_set()
    assert "answered before the end of speech" in turn.result().errors
