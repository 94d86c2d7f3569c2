"""Our embeddings are Resemblyzer's own: the package itself, with torch, hears the same speech and gives the same."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inference import catalogue
from inference.audio.pcm import from_float, to_float
from inference.engines.base import Audio
from inference.engines.speaker_encoder import SpeakerEncoder
from inference.engines.speaker_sound import prepared
from inference.types import STT_RATE
from tests.engines import python_of
from tests.inference.spoken import english, joined, mandarin, silence

pytestmark = [pytest.mark.models, pytest.mark.engines]

PROGRAM = Path(__file__).parent.parent / "engine_models" / "resemblyzer_itself.py"
FIRST = "The quick brown fox jumps over the lazy dog near the river."
SECOND = "I would like to book a table for two people tonight, please."


def sounds() -> dict[str, Audio]:
    """What differs in what the preparation does with it: pauses, level, noise, length."""
    spoken = joined(english(FIRST), silence(0.7), english(SECOND))
    noise = np.random.default_rng(0).normal(0, 0.01, len(spoken)).astype(np.float32)
    return {
        "english": english(FIRST),
        "mandarin": mandarin("今天天氣很好，我們一起去公園散步吧。"),
        "short": english(FIRST)[: int(1.3 * STT_RATE)],
        "long": joined(*[english(FIRST), english(SECOND)] * 3),
        "pauses": joined(silence(1.0), spoken, silence(2.0)),
        "loud": np.clip(spoken * 3, -1, 1),
        "quiet": spoken * np.float32(0.02),
        "noisy": spoken + noise,
    }


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Resemblyzer alone: what it needs beside is in the watermark's environment, which has torch."""
    folder = tmp_path_factory.mktemp("resemblyzer")
    vad = f"webrtcvad-wheels=={importlib.metadata.version('webrtcvad-wheels')}"
    wanted = ["--target", str(folder), "resemblyzer==0.1.4", vad]
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", *wanted], check=True)
    return folder


def test_it_is_resemblyzers_own_embedding(package: Path, tmp_path: Path) -> None:
    ours = SpeakerEncoder(catalogue.model_file("resemblyzer"))
    ours.load(lambda _: None)
    pcm = {name: from_float(sound) for name, sound in sounds().items()}
    files = []
    for name, data in pcm.items():
        files.append(tmp_path / f"{name}.pcm")
        files[-1].write_bytes(data)
    told = tmp_path / "told.npz"
    subprocess.run([python_of("watermark"), PROGRAM, package, told, *files], check=True)
    theirs = np.load(told)
    for number, (name, data) in enumerate(pcm.items()):
        speech = prepared(to_float(data))
        assert len(speech) == len(theirs[f"speech{number}"]), name
        assert np.abs(speech - theirs[f"speech{number}"]).max() < 1e-4, name
        embedding = np.array(ours.embed(to_float(data)))
        assert embedding.shape == theirs[f"embedding{number}"].shape
        assert float(embedding @ theirs[f"embedding{number}"]) >= 0.999, name
