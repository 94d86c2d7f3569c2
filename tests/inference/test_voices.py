"""The embedded voices, heard: what they say is transcribed again, and its level and silence are measured."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import jiwer
import numpy as np
import opencc
import pytest
import soxr
from faster_whisper import WhisperModel

from inference import catalogue
from inference.engines.base import TextToSpeech
from inference.engines.hibari import HibariEngine
from inference.engines.kokoro import KokoroEngine
from inference.errors import EngineError, EngineRefused, EngineUnavailable
from inference.speech import sound
from inference.types import STT_RATE, WIRE_RATE

pytestmark = pytest.mark.models

ENGLISH = (
    "The weather is lovely today, so let us go for a walk in the park.",
    "Could you tell me where the nearest train station is?",
    "She bought fresh bread and a bottle of milk this morning.",
    "The museum opens at nine and closes at five on weekdays.",
    "I would like to book a table for two people tonight.",
    "Learning a new language takes patience and a little courage.",
    "Water boils at one hundred degrees at sea level.",
    "My brother works as a teacher in a small village school.",
    "Please remember to turn off the lights before you leave.",
    "The river runs slowly through the middle of the old town.",
    "We watched the sunset from the top of the hill.",
    "Most birds build their nests in the spring.",
    "The library has thousands of books about history and science.",
    "He forgot his umbrella and came home completely wet.",
    "Vegetables and fruit are an important part of a healthy diet.",
    "The children played football until it was dark outside.",
    "Our flight was delayed because of the heavy snow.",
    "A good night's sleep helps you think clearly the next day.",
    "Nobody knew the answer to the last question.",
    "They planted apple trees along the garden wall.",
)
MANDARIN = (
    "今天天氣很好，我們一起去公園散步吧。",
    "請問附近有沒有好吃的餐廳？",
    "如果你有任何問題，請隨時告訴我。",
    "孩子們在海邊快樂地玩耍。",
)


@pytest.fixture(scope="module")
def ears() -> WhisperModel:
    folder = catalogue.model_file("whisper-base")
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)


@pytest.fixture(scope="module")
def hibari() -> HibariEngine:
    engine = HibariEngine()
    engine.load(lambda _: None)
    return engine


@pytest.fixture(scope="module")
def kokoro() -> KokoroEngine:
    engine = KokoroEngine(catalogue.model_file("kokoro"), threads=2)
    engine.load(lambda _: None)
    return engine


def spoken(engine: TextToSpeech, text: str, voice: str, speed: float = 1.0) -> sound.Samples:
    language = "zh-TW" if voice.startswith("z") else "en"
    pcm = b"".join(engine.synthesize(text, voice=voice, language=language, speed=speed))
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)


def heard(ears: WhisperModel, samples: sound.Samples, language: str) -> str:
    segments, _ = ears.transcribe(
        soxr.resample(samples, WIRE_RATE, STT_RATE), language=language, beam_size=5, condition_on_previous_text=False
    )
    return " ".join(segment.text for segment in segments)


def words(text: str) -> str:
    text = re.sub(
        r"[^a-z' ]", " ", text.lower().replace("9", " nine ").replace("5", " five ").replace("100", "one hundred")
    )
    return " ".join(text.replace("o'clock", "").split())


@pytest.mark.parametrize(("voice", "most"), [("hibari-us", 0.03), ("hibari-gb", 0.06)])
def test_english_is_understood(ears: WhisperModel, hibari: HibariEngine, voice: str, most: float) -> None:
    said = [spoken(hibari, sentence, voice) for sentence in ENGLISH]
    transcripts = [heard(ears, np.concatenate(said[start : start + 5]), "en") for start in range(0, len(said), 5)]
    assert jiwer.wer(words(" ".join(ENGLISH)), words(" ".join(transcripts))) <= most


def test_mandarin_is_understood(ears: WhisperModel, kokoro: KokoroEngine) -> None:
    simplified = opencc.OpenCC("t2s").convert
    said = np.concatenate([spoken(kokoro, sentence, "zf_xiaobei") for sentence in MANDARIN])

    def characters(text: str) -> str:
        return re.sub(r"[^\u4e00-\u9fff]", "", simplified(text))

    assert jiwer.cer(characters("".join(MANDARIN)), characters(heard(ears, said, "zh"))) <= 0.12


@pytest.mark.parametrize("voice", ["hibari-us", "hibari-gb", "zf_xiaobei", "zm_yunyang", "bm_george"])
def test_voices_are_equally_loud_and_start_at_once(hibari: HibariEngine, kokoro: KokoroEngine, voice: str) -> None:
    engine: TextToSpeech = hibari if voice.startswith("hibari") else kokoro
    text = "明天早上我們一起去公園散步吧。" if voice.startswith("z") else "She bought bread and milk this morning."
    samples = spoken(engine, text, voice)
    assert sound.speech_rms_db(samples) == pytest.approx(sound.TARGET_RMS_DB, abs=2.0)
    assert np.abs(samples).max() < 10 ** (-1 / 20)
    assert np.argmax(np.abs(samples) > 0.01) < 0.06 * WIRE_RATE
    assert abs(samples[0]) < 0.001
    assert abs(samples[-1]) < 0.001


def test_the_first_sentence_comes_before_the_rest_is_made(hibari: HibariEngine, kokoro: KokoroEngine) -> None:
    text = "First sentence. Second sentence. Third sentence."
    assert len(list(hibari.synthesize(text, voice="hibari-us", language="en", speed=1.0))) == 3
    clauses = kokoro.synthesize("今天天氣很好，我們去散步吧。", voice="zf_xiaobei", language="zh", speed=1.5)
    assert len(list(clauses)) == 2


def test_speed_is_heard_and_bounded(hibari: HibariEngine) -> None:
    def seconds(speed: float) -> float:
        return len(spoken(hibari, ENGLISH[0], "hibari-us", speed)) / WIRE_RATE

    assert seconds(0.5) > 1.5 * seconds(1.0) > 1.5 * 1.4 * seconds(2.0)
    assert seconds(9.0) == seconds(2.0)
    assert seconds(0.1) == seconds(0.5)


def test_a_run_on_text_is_spoken_in_pieces(hibari: HibariEngine) -> None:
    text = "and so on we go " * 200
    pieces = list(hibari.synthesize(text, voice="hibari-us", language="en", speed=1.0))
    assert len(pieces) >= 10
    assert max(map(len, pieces)) < 30 * WIRE_RATE * 2


@pytest.mark.parametrize("text", ["", " ", "...", "—", "😀", "。！"])
def test_nothing_to_say_is_no_sound(hibari: HibariEngine, kokoro: KokoroEngine, text: str) -> None:
    assert list(hibari.synthesize(text, voice="hibari-us", language="en", speed=1.0)) == []
    assert list(kokoro.synthesize(text, voice="zf_xiaobei", language="zh", speed=1.0)) == []


def test_the_same_sentence_is_the_same_sound_from_two_threads(hibari: HibariEngine) -> None:
    alone = [b"".join(hibari.synthesize(text, voice="hibari-us", language="en", speed=1.0)) for text in ENGLISH[:6]]
    together: dict[int, bytes] = {}

    def speak(first: int) -> None:
        for index in range(first, 6, 2):
            pieces = hibari.synthesize(ENGLISH[index], voice="hibari-us", language="en", speed=1.0)
            together[index] = b"".join(pieces)

    threads = [threading.Thread(target=speak, args=(first,)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [together[index] for index in range(6)] == alone


def refused(pieces: Iterator[bytes]) -> bytes:
    return next(pieces, b"")


def test_what_a_voice_cannot_do_is_refused(hibari: HibariEngine, kokoro: KokoroEngine) -> None:
    with pytest.raises(EngineRefused, match="zh-TW"):
        refused(hibari.synthesize("你好", voice="hibari-us", language="zh-TW", speed=1.0))
    with pytest.raises(EngineRefused, match="alloy"):
        refused(hibari.synthesize("Hello", voice="alloy", language="en", speed=1.0))
    with pytest.raises(EngineRefused, match="characters"):
        refused(hibari.synthesize("a " * 20_000, voice="hibari-us", language="en", speed=1.0))
    with pytest.raises(EngineRefused, match="does not speak fr"):
        refused(kokoro.synthesize("Bonjour", voice="zf_xiaobei", language="fr", speed=1.0))
    with pytest.raises(EngineRefused, match="nobody"):
        refused(kokoro.synthesize("你好", voice="nobody", language="zh", speed=1.0))


def test_before_it_is_loaded_a_voice_says_so() -> None:
    with pytest.raises(EngineUnavailable):
        refused(HibariEngine().synthesize("Hello", voice="hibari-us", language="en", speed=1.0))


def test_a_missing_or_broken_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="models pull kokoro"):
        KokoroEngine(tmp_path / "model.onnx").load(lambda _: None)
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "zf_xiaobei.bin").write_bytes(bytes(1024))
    (tmp_path / "model.onnx").write_bytes(b"broken")
    with pytest.raises(EngineError, match="models verify kokoro"):
        KokoroEngine(tmp_path).load(lambda _: None)


def test_every_voice_has_a_stable_id_of_its_own(hibari: HibariEngine, kokoro: KokoroEngine) -> None:
    ids = [voice.id for voice in (*hibari.voices, *kokoro.voices)]
    assert len(ids) == len(set(ids))
    assert ids[:3] == ["hibari-us", "hibari-gb", "zf_xiaobei"]
    assert sum(voice_id.startswith("z") for voice_id in ids) == 8
