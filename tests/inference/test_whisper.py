"""Speech-to-text with the real model: what was said, when, in which language and script, and nothing for noise."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from faster_whisper import WhisperModel

from inference import catalogue
from inference.accuracy_text import edits, units
from inference.engines.base import Audio
from inference.engines.whisper import WhisperEngine
from inference.errors import EngineError, EngineRefused, EngineUnavailable
from inference.types import STT_RATE
from tests.inference.spoken import english, joined, mandarin, silence

pytestmark = pytest.mark.models

SENTENCES = (
    "Could you tell me where the nearest train station is?",
    "I would like to book a table for two people tonight.",
    "Please remember to turn off the lights before you leave.",
    "The children played football until it was dark outside.",
    "My brother works as a teacher in a small village school.",
    "The library has thousands of books about history and science.",
    "We watched the sunset from the top of the hill.",
    "Our flight was delayed because of the heavy snow.",
    "Most birds build their nests in the spring.",
    "She bought fresh bread and a bottle of milk this morning.",
    "A good night's sleep helps you think clearly the next day.",
    "Nobody knew the answer to the last question.",
)


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    engine = WhisperEngine(catalogue.locate("whisper-base"), threads=2)
    engine.load(lambda _: None)
    return engine


def _errors(said: str, heard: str) -> float:
    reference = units(said, "en")
    return edits(reference, units(heard, "en")) / len(reference)


@pytest.mark.parametrize("said", SENTENCES[:4])
def test_it_hears_a_sentence(engine: WhisperEngine, said: str) -> None:
    heard = engine.transcribe(english(said), language="en-US")
    assert _errors(said, heard.text) <= 0.1
    assert heard.language == "en-US"
    assert 0.6 < heard.confidence <= 1.0
    assert heard.no_speech_probability < 0.6
    assert heard.duration_s == pytest.approx(len(english(said)) / STT_RATE)
    assert heard.model == "whisper-base"
    assert heard.words == ()
    assert heard.compute_ms > 0


def test_it_says_which_language_it_hears(engine: WhisperEngine) -> None:
    assert engine.transcribe(english(SENTENCES[0])).language == "en"
    assert engine.transcribe(mandarin("今天天氣很好，我們一起去公園散步吧。")).language == "zh"


@pytest.mark.parametrize(
    ("language", "weather"),
    [("zh", "天氣"), ("zh-TW", "天氣"), ("zh-Hant", "天氣"), ("zh-CN", "天气"), ("zh-Hans", "天气")],
)
def test_mandarin_comes_in_the_script_asked_for(engine: WhisperEngine, language: str, weather: str) -> None:
    heard = engine.transcribe(mandarin("今天天氣很好，我們一起去公園散步吧。"), language=language)
    assert weather in heard.text
    assert edits(list("今天天气很好我们一起去公园散步吧"), units(heard.text, "zh")) <= 2
    assert heard.language == language


def test_detected_mandarin_is_traditional_unless_the_operator_chose_otherwise(engine: WhisperEngine) -> None:
    said = mandarin("今天天氣很好，我們一起去公園散步吧。")
    assert "天氣" in engine.transcribe(said).text
    simplified = WhisperEngine(catalogue.locate("whisper-base"), threads=2, chinese="simplified")
    simplified.load(lambda _: None)
    assert "天气" in simplified.transcribe(said).text


@pytest.mark.parametrize("language", ["xx", "tlh", "e", "not a language", "<|en|>", "nospeech"])
def test_an_unknown_language_is_refused(engine: WhisperEngine, language: str) -> None:
    with pytest.raises(EngineRefused) as refusal:
        engine.transcribe(english(SENTENCES[0]), language=language)
    assert refusal.value.permanent


def test_it_declares_its_languages(engine: WhisperEngine) -> None:
    assert {"en", "de", "zh", "zh-TW", "zh-CN", "ja"} <= set(engine.languages)
    assert all(2 <= len(tag.split("-")[0]) <= 3 for tag in engine.languages)
    assert 90 <= len(engine.languages) <= 110


def _clicks(seconds: float) -> Audio:
    rng = np.random.default_rng(3)
    out = rng.normal(0, 0.003, int(seconds * STT_RATE))
    for at in np.cumsum(rng.uniform(0.06, 0.3, int(seconds * 5))):
        start, length = int(at * STT_RATE), int(rng.integers(60, 300))
        if start + length < len(out):
            out[start : start + length] += rng.normal(size=length) * np.exp(-np.arange(length) / 40) * 0.5
    return out.astype(np.float32)


def _pink(seconds: float) -> Audio:
    spectrum = np.fft.rfft(np.random.default_rng(4).normal(size=int(seconds * STT_RATE)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1))
    return np.asarray(noise / np.abs(noise).max() * 0.7, dtype=np.float32)


def _hum(seconds: float) -> Audio:
    phase = 2 * np.pi * 50 * np.arange(int(seconds * STT_RATE)) / STT_RATE
    return np.asarray(sum(np.sin(k * phase) * 0.3 / k for k in range(1, 12)), dtype=np.float32)


def _beeps(seconds: float) -> Audio:
    at = np.arange(int(seconds * STT_RATE)) / STT_RATE
    return np.asarray(np.sin(2 * np.pi * 880 * at) * (at % 0.5 < 0.2) * 0.3, dtype=np.float32)


NOISES: dict[str, Callable[[], Audio]] = {
    "nothing": lambda: np.zeros(0, np.float32),
    "one sample": lambda: np.ones(1, np.float32),
    "digital silence": lambda: np.zeros(4 * STT_RATE, np.float32),
    "a quiet room": lambda: silence(4.0),
    "thirty seconds of a quiet room": lambda: silence(30.0, 0.002),
    "white noise": lambda: silence(4.0, 0.05),
    "loud white noise": lambda: silence(4.0, 0.3),
    "pink noise": lambda: _pink(4.0),
    "mains hum": lambda: _hum(4.0),
    "a keyboard": lambda: _clicks(4.0),
    "beeps": lambda: _beeps(4.0),
    "a constant": lambda: np.full(3 * STT_RATE, 0.5, np.float32),
    "one click": lambda: np.eye(1, 2 * STT_RATE, STT_RATE, dtype=np.float32)[0],
    "no numbers": lambda: np.full(STT_RATE, np.nan, np.float32),
}


@pytest.mark.parametrize("kind", NOISES)
def test_noise_is_no_speech(engine: WhisperEngine, kind: str) -> None:
    """Whisper by itself hears "you" in most of these."""
    heard = engine.transcribe(NOISES[kind](), language="en", words=True)
    assert heard.text == ""
    assert heard.confidence == 0.0
    assert heard.words == ()
    assert engine.transcribe(NOISES[kind]()).text == ""


def test_noise_is_no_speech_to_the_decoder_either(engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the voice activity model lets noise through, what Whisper makes of it is seen for what it is."""
    monkeypatch.setattr("inference.engines.whisper.speech_probabilities", lambda a: np.ones(len(a) // 512 + 1))
    for kind in ("digital silence", "a quiet room", "white noise", "pink noise", "mains hum", "a keyboard"):
        assert engine.transcribe(NOISES[kind](), language="en").text == ""


@pytest.mark.parametrize("said", ["Thank you.", "Bye!", "Yes.", "Stop!"])
def test_a_short_answer_that_was_said_is_heard(engine: WhisperEngine, said: str) -> None:
    heard = engine.transcribe(joined(silence(0.3), english(said), silence(0.4)), language="en")
    assert units(heard.text, "en") == units(said, "en")


def test_speech_is_heard_in_noise(engine: WhisperEngine) -> None:
    speech = english(SENTENCES[1])
    noisy = speech + _pink(len(speech) / STT_RATE + 1)[: len(speech)] * 0.05
    assert _errors(SENTENCES[1], engine.transcribe(noisy, language="en").text) <= 0.2


def test_words_are_timed_where_they_are_said(engine: WhisperEngine) -> None:
    first, second = english(SENTENCES[0]), english(SENTENCES[1])
    audio = joined(silence(6.0), first, silence(9.0), second, silence(4.0))
    heard = engine.transcribe(audio, language="en", words=True)
    assert " ".join(word.text for word in heard.words) == heard.text
    starts = [word.start_s for word in heard.words]
    assert starts == sorted(starts)
    assert all(word.start_s <= word.end_s <= heard.duration_s for word in heard.words)
    assert all(0 <= word.probability <= 1 for word in heard.words)
    at_second = 15.0 + len(first) / STT_RATE
    assert heard.words[0].start_s == pytest.approx(6.0, abs=0.4)
    begun = next(word for word in heard.words if word.text == "I")
    assert begun.start_s == pytest.approx(at_second, abs=0.4)
    assert heard.words[-1].end_s == pytest.approx(at_second + len(second) / STT_RATE, abs=0.5)


def test_long_audio_is_heard_to_its_end(engine: WhisperEngine) -> None:
    pieces = [piece for said in SENTENCES for piece in (english(said), silence(0.3))]
    audio = joined(*pieces)
    assert len(audio) > 31 * STT_RATE
    assert _errors(" ".join(SENTENCES), engine.transcribe(audio, language="en").text) <= 0.06


def test_speech_without_a_pause_is_cut_and_still_heard(engine: WhisperEngine) -> None:
    audio = joined(*[english(said, speed=1.1) for said in SENTENCES])
    assert _errors(" ".join(SENTENCES), engine.transcribe(audio, language="en").text) <= 0.12


def test_who_repeats_himself_is_heard(engine: WhisperEngine) -> None:
    """The guard against the model's own loops must not take a speaker's words away."""
    said = "No, no, no, no, no. I said no."
    heard = units(engine.transcribe(english(said), language="en").text, "en")
    assert 4 <= heard.count("no") <= 7
    assert "said" in heard


def test_a_prompt_gives_the_spelling(engine: WhisperEngine) -> None:
    audio = english("My name is Kathryn and I live in Leicester.")
    without = engine.transcribe(audio, language="en").text
    given = engine.transcribe(audio, language="en", prompt="Kathryn, Leicester").text
    assert "Kathryn" not in without
    assert "Kathryn" in given
    assert "Leicester" in given


def test_a_prompt_of_any_length_is_bounded(engine: WhisperEngine) -> None:
    heard = engine.transcribe(english(SENTENCES[0]), language="en", prompt="station " * 5000)
    assert "station" in heard.text


def test_work_that_nobody_waits_for_stops(engine: WhisperEngine) -> None:
    audio = joined(*[piece for said in SENTENCES for piece in (english(said), silence(0.3))])
    asked: list[None] = []

    def cancelled() -> bool:
        asked.append(None)
        return len(asked) > 1

    assert 0 < len(engine.transcribe(audio, language="en", cancelled=cancelled).text) < len(" ".join(SENTENCES)) * 0.8
    assert engine.transcribe(audio, language="en", cancelled=lambda: True).text == ""


def test_a_short_utterance_costs_a_fraction_of_the_padded_window(engine: WhisperEngine) -> None:
    """Processor time, of all threads: what the machine does besides does not count."""
    stock = WhisperModel(str(catalogue.locate("whisper-base")), device="cpu", compute_type="int8", cpu_threads=2)
    audio = english(SENTENCES[6])

    def cost(work: Callable[[], object]) -> float:
        best = float("inf")
        for _ in range(3):
            begun = time.process_time()
            work()
            best = min(best, time.process_time() - begun)
        return best

    ours = cost(lambda: engine.transcribe(audio, language="en"))
    theirs = cost(lambda: list(stock.transcribe(audio, language="en")[0]))
    assert ours < 0.5 * theirs


def test_two_at_once_do_not_disturb_each_other() -> None:
    engine = WhisperEngine(catalogue.locate("whisper-base"), threads=1, parallel=2)
    engine.load(lambda _: None)
    heard: dict[str, str] = {}

    def hear(said: str, audio: Audio) -> None:
        heard[said] = engine.transcribe(audio, language="en").text

    threads = [threading.Thread(target=hear, args=(said, english(said))) for said in SENTENCES[:3]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(_errors(said, heard[said]) <= 0.1 for said in SENTENCES[:3])


def test_too_long_a_recording_is_refused(engine: WhisperEngine) -> None:
    hours = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (5 * 3600 * STT_RATE,), (0,))
    with pytest.raises(EngineRefused, match="4 hours"):
        engine.transcribe(hours, language="en")


def test_before_it_is_loaded_it_is_unavailable() -> None:
    with pytest.raises(EngineUnavailable):
        WhisperEngine(catalogue.locate("whisper-base"), threads=1).transcribe(silence(1.0))


def test_a_missing_model_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="models pull whisper-base"):
        WhisperEngine(tmp_path / "whisper-base", threads=1).load(lambda _: None)


def test_a_broken_model_is_an_error_and_no_crash(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "vocabulary.json", "model.bin"):
        (tmp_path / name).write_bytes((catalogue.locate("whisper-base") / name).read_bytes()[:5000])
    with pytest.raises(EngineError, match="cannot be loaded"):
        WhisperEngine(tmp_path, threads=1).load(lambda _: None)


def test_loading_tells_its_progress() -> None:
    told: list[float] = []
    WhisperEngine(catalogue.locate("whisper-base"), threads=1).load(told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_hasty_mandarin_is_heard_to_its_end(engine: WhisperEngine) -> None:
    """Seven characters a second are up to nine tokens a second."""
    said = "我的六個詞是西瓜、白色、瀑布、農夫、海洋、叔叔。"
    heard = engine.transcribe(mandarin(said, voice="zm_yunxi", speed=1.25), language="zh-TW")
    assert "叔叔" in heard.text
    assert len(units(heard.text, "zh")) >= len(units(said, "zh")) - 1


@pytest.mark.parametrize("most", [3, 8, 100])
def test_a_pass_has_the_tokens_it_may_have_and_says_when_it_was_cut(engine: WhisperEngine, most: int) -> None:
    decoder = engine._decoder
    assert decoder is not None
    tokenizer = decoder.tokenizer("en")
    done = decoder._decode(decoder.encode(english(SENTENCES[5])), tokenizer, [], most, {"beam_size": 1})
    assert done.finished == (most == 100)
    if most < 100:
        assert len(done.tokens) == most
