"""Language tags, scripts, windows and guards of speech-to-text, without a model's weights."""

import numpy as np
import pytest

from inference.chinese_script import ChineseScript, written_tag
from inference.engines.whisper_decoder import Pass, repeats
from inference.engines.whisper_guard import invented
from inference.engines.whisper_language import code_of, in_script, joiner
from inference.engines.whisper_windows import HOP, MAX_WINDOW_S, speech_windows
from inference.errors import EngineRefused
from inference.types import STT_RATE

KNOWN = frozenset({"en", "zh", "no", "tl", "he"})


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en-US", "en"),
        ("EN", "en"),
        ("zh_TW", "zh"),
        ("zh-Hant-TW", "zh"),
        ("cmn-Hans", "zh"),
        ("nb-NO", "no"),
        ("fil", "tl"),
    ],
)
def test_tags_become_codes(tag: str, code: str) -> None:
    assert code_of(tag, KNOWN) == code


@pytest.mark.parametrize("tag", ["xx", "-", "english", "fr", "x" * 5000])
def test_unknown_tags_are_refused_briefly(tag: str) -> None:
    with pytest.raises(EngineRefused) as refusal:
        code_of(tag, KNOWN)
    assert len(refusal.value.message) < 120


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        ("zh-TW", "头发发现后面的软件,对吗?", "頭髮發現後面的軟件，對嗎？"),
        ("zh-Hant", "為什麼在這裡", "為什麼在這裡"),
        ("zh-HK", "为什么", "為什麼"),
        ("zh-CN", "頭髮發現後面,對", "头发发现后面，对"),
        ("zh", "头发", "頭髮"),
        ("cmn", "头发", "頭髮"),
        ("zh-SG", "頭髮", "头发"),
        ("zh-Hans-TW", "頭髮", "头发"),
        ("zh_CN", "頭髮", "头发"),
        ("yue", "头发", "頭髮"),
        ("cmn-Hant", "头发", "頭髮"),
        ("en", "Yes, really? 头发", "Yes, really? 头发"),
        ("ja", "発見, 頭髪", "発見, 頭髪"),
    ],
)
def test_chinese_comes_in_its_script(tag: str, text: str, expected: str) -> None:
    """Characters change, words do not: who says 軟件 in Taiwan has said 軟件."""
    assert in_script(text, tag) == expected


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [("zh", "頭髮", "头发"), ("zh-TW", "头发", "頭髮"), ("zh-CN", "頭髮", "头发"), ("yue", "头发", "頭髮")],
)
def test_an_operator_may_choose_simplified_for_what_tells_no_script(tag: str, text: str, expected: str) -> None:
    assert in_script(text, tag, "simplified") == expected


@pytest.mark.parametrize(
    ("tag", "unsaid", "expected"),
    [
        ("zh", "traditional", "zh-Hant"),
        ("zh", "simplified", "zh-Hans"),
        ("yue", "simplified", "yue-Hant"),
        ("zh-CN", "traditional", "zh-CN"),
        ("en", "traditional", "en"),
        ("", "traditional", ""),
    ],
)
def test_a_page_says_which_characters_its_words_are_in(tag: str, unsaid: ChineseScript, expected: str) -> None:
    assert written_tag(tag, unsaid) == expected


def test_what_stands_between_pieces() -> None:
    assert (joiner("en"), joiner("zh"), joiner("ja")) == (" ", "", "")


def _probabilities(*runs: tuple[float, float]) -> np.ndarray:
    """(seconds, probability) one after the other."""
    steps = [np.full(int(s * STT_RATE / HOP), p) for s, p in runs]
    return np.concatenate(steps).astype(np.float32)


def _seconds(probabilities: np.ndarray) -> list[tuple[float, float]]:
    audio = np.zeros(len(probabilities) * HOP, np.float32)
    return [(w.start / STT_RATE, w.end / STT_RATE) for w in speech_windows(audio, probabilities)]


def test_silence_has_no_window() -> None:
    assert _seconds(_probabilities((10, 0.1))) == []
    assert _seconds(_probabilities((1, 0.1), (0.04, 0.9), (1, 0.1))) == []


def test_a_window_is_the_speech_and_a_little_around_it() -> None:
    ((start, end),) = _seconds(_probabilities((5, 0.0), (2, 0.9), (5, 0.0)))
    assert start == pytest.approx(4.7, abs=0.1)
    assert end == pytest.approx(7.4, abs=0.1)


def test_speech_that_begins_at_once_is_given_a_lead() -> None:
    probabilities = _probabilities((2, 0.9), (5, 0.0), (2, 0.9))
    at_once, after_silence = speech_windows(np.zeros(len(probabilities) * HOP, np.float32), probabilities)
    assert at_once.lead == int(0.3 * STT_RATE)
    assert after_silence.lead == 0


def test_short_pauses_stay_and_long_silence_parts() -> None:
    assert len(_seconds(_probabilities((2, 0.9), (1.0, 0.0), (2, 0.9)))) == 1
    assert len(_seconds(_probabilities((2, 0.9), (4.0, 0.0), (2, 0.9)))) == 2


def test_what_does_not_fit_is_cut_at_the_longest_late_pause() -> None:
    windows = _seconds(_probabilities((6, 0.9), (0.2, 0.0), (6, 0.9), (0.9, 0.0), (5, 0.9), (0.2, 0.0), (5, 0.9)))
    assert len(windows) == 2
    assert windows[0][1] == pytest.approx(12.6, abs=0.2)


def test_speech_without_pauses_is_cut_where_it_is_least_like_speech() -> None:
    probabilities = _probabilities((15, 0.95), (0.1, 0.6), (15, 0.95), (0.1, 0.6), (15, 0.95))
    windows = _seconds(probabilities)
    assert windows[0][1] == pytest.approx(15.05, abs=0.15)
    assert all(end - start <= MAX_WINDOW_S + 0.8 for start, end in windows)


def test_windows_neither_overlap_nor_lose_speech() -> None:
    rng = np.random.default_rng(5)
    probabilities = np.repeat(rng.random(300) > 0.4, rng.integers(3, 40, 300)).astype(np.float32)
    audio = np.zeros(len(probabilities) * HOP, np.float32)
    windows = speech_windows(audio, probabilities)
    covered = np.zeros(len(audio), bool)
    for window in windows:
        assert not covered[window.start : window.end].any()
        covered[window.start : window.end] = True
    spoken = np.repeat(probabilities > 0.5, HOP)
    assert covered[spoken].all()


def _pass(text: str, logprob: float = -0.3, no_speech: float = 0.1, *, finished: bool = True) -> Pass:
    return Pass(text, (1, 2, 3), logprob, no_speech, finished, repetitive=not finished)


@pytest.mark.parametrize(
    ("done", "speech", "verdict"),
    [
        (_pass("Where is the station?"), 0.99, False),
        (_pass("Thank you."), 0.99, False),
        (_pass("Thank you."), 0.6, True),
        (_pass("you", no_speech=0.5), 0.99, True),
        (_pass("A quiet sentence.", -1.3, 0.3), 0.9, False),
        (_pass("A quiet sentence.", -1.3, 0.8), 0.9, True),
        (_pass("An unlikely sentence.", -1.9), 0.99, True),
        (_pass("Subtitles by the Amara.org community"), 0.99, True),
        (_pass("Thanks for watching!"), 0.99, True),
        (_pass("字幕由Amara.org社區提供"), 0.99, True),
        (_pass("and so and so and so", finished=False), 0.99, True),
    ],
)
def test_inventions_are_known(done: Pass, speech: float, verdict: bool) -> None:
    assert invented(done, speech) is verdict


def test_repetition_is_noticed() -> None:
    assert repeats([1, 2, 3] * 5, "and so on " * 5)
    assert repeats([7] * 30, "x" * 30)
    assert repeats(list(range(40)), "the very same words again and again " * 12)
    assert not repeats(list(range(40)), "Could you tell me where the nearest train station is?")
    assert not repeats([], "")


def test_a_doubtful_pass_is_one_to_repeat() -> None:
    assert not _pass("Fine.").doubtful
    assert _pass("Cut off", finished=False).doubtful
    assert _pass("Unlikely", -1.2, 0.2).doubtful
    assert not _pass("Silence", -1.2, 0.9).doubtful
