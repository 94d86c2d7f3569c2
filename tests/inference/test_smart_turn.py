"""Whether the speaker has finished: the real model on whole and on unfinished sentences."""

from pathlib import Path

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from inference import catalogue
from inference.engines.base import Audio
from inference.engines.smart_turn import SmartTurnEngine, features
from inference.errors import EngineError, EngineUnavailable
from inference.types import STT_RATE
from tests.inference.spoken import english, joined, silence

SENTENCES = (
    "Could you tell me where the nearest train station is?",
    "I would like to book a table for two people tonight.",
    "Should I get a dog or a cat?",
    "How do I make a good cup of coffee?",
    "My brother works as a teacher in a small village school.",
)


@pytest.fixture(scope="module")
def engine() -> SmartTurnEngine:
    engine = SmartTurnEngine(catalogue.model_file("smart-turn-v3"))
    engine.load(lambda _: None)
    return engine


@pytest.mark.models
def test_whole_sentences_are_finished_and_half_ones_are_not(engine: SmartTurnEngine) -> None:
    whole = [engine.predict(joined(english(said), silence(0.2))) for said in SENTENCES]
    half = [engine.predict(joined(_first(english(said), 0.5), silence(0.2))) for said in SENTENCES]
    third = [engine.predict(joined(_first(english(said), 0.35), silence(0.2))) for said in SENTENCES]
    assert min(whole) > 0.5
    assert np.mean(whole) - np.mean(half) > 0.4
    assert np.mean(whole) - np.mean(third) > 0.4


@pytest.mark.models
def test_only_the_last_eight_seconds_count(engine: SmartTurnEngine) -> None:
    ending = joined(silence(6.0), english(SENTENCES[1]), silence(0.2))[-8 * STT_RATE :]
    before = joined(english(SENTENCES[0]), english(SENTENCES[3]), ending)
    assert engine.predict(before) == engine.predict(ending)


@pytest.mark.models
@pytest.mark.parametrize("samples", [0, 1, 100, 1600, 8 * STT_RATE, 60 * STT_RATE])
def test_any_length_gives_a_probability(engine: SmartTurnEngine, samples: int) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32)
    assert 0.0 <= engine.predict(noise) <= 1.0


@pytest.mark.models
def test_no_numbers_give_a_probability_too(engine: SmartTurnEngine) -> None:
    assert 0.0 <= engine.predict(np.full(STT_RATE, np.nan, np.float32)) <= 1.0


@pytest.mark.parametrize("seconds", [0.003, 0.5, 1.6, 3.33, 7.9, 7.995, 8.0, 9.5])
def test_the_features_are_those_of_the_padded_eight_seconds(seconds: float) -> None:
    """What is saved on the silence before a short utterance changes nothing."""
    audio = np.random.default_rng(1).normal(0.01, 0.1, int(seconds * STT_RATE)).astype(np.float32)
    padded = np.pad(audio[-8 * STT_RATE :], (max(0, 8 * STT_RATE - len(audio)), 0))
    normal = ((padded - padded.mean()) / np.sqrt(padded.var() + 1e-7)).astype(np.float32)
    expected = FeatureExtractor()(normal, padding=0)
    got = features(audio)
    assert got.shape == (80, 800)
    assert got.dtype == np.float32
    assert np.abs(got - expected).max() < 2e-3


def test_before_it_is_loaded_it_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable):
        SmartTurnEngine(tmp_path / "absent.onnx").predict(silence(1.0))


def test_a_missing_or_broken_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="models pull smart-turn-v3"):
        SmartTurnEngine(tmp_path / "absent.onnx").load(lambda _: None)
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(EngineError, match="cannot be loaded"):
        SmartTurnEngine(tmp_path / "broken.onnx").load(lambda _: None)


def _first(audio: Audio, part: float) -> Audio:
    return audio[: int(len(audio) * part)]
