"""Mandarin text-to-speech: Kokoro-82M v1.0 (int8 ONNX), whose voices also speak English.

The model takes phoneme ids between two zeros, a style vector that depends on their number, and a speed; the road from
text to phonemes is `inference.speech.mandarin` and hibari's English lexicons (Kokoro's own goes through espeak: GPL).
"""

import functools
import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.engines.base import Progress
from inference.engines.kokoro_voices import VOICES, Voice
from inference.engines.memory import release_garbage
from inference.errors import EngineError, EngineRefused, EngineUnavailable
from inference.speech import sound
from inference.speech.pronunciation import english_g2p, english_phonemes
from inference.speech.sentences import split
from inference.types import VoiceInfo

SLOWEST, FASTEST = 0.5, 2.0
MAX_CHARACTERS = 20_000

_MAX_PHONEMES = 500
"""The model's context is 512 with the zeros around."""
_STYLE = 256
_SHORTEST_CLAUSE = 5
"""Chinese characters, or as much English; shorter clauses are spoken together with the next."""
_CLAUSE = re.compile(r".*?(?:[，；：](?=\S)|[,;:](?=\s)|$)[」』”’\"'）)]*\s*", re.DOTALL)
_LATIN = re.compile(r"[A-Za-z ]")
_WARM_UP = {"z": "早安。", "a": "Good morning."}


class KokoroEngine:
    """See `inference.engines.base.TextToSpeech`. Text is expected in words (`inference.speech.normalise`)."""

    model = "kokoro"
    parallel = 1

    def __init__(self, path: Path, threads: int = 1) -> None:
        """path: the folder of the model, or its ``model.onnx``; ``voices/`` lies beside it."""
        self._folder = path if path.is_dir() else path.parent
        self._threads = threads
        self._session: Any = None
        self._mandarin: Any = None
        self._vocabulary: dict[str, int] = {}
        self._styles: dict[str, npt.NDArray[np.float32]] = {}
        self.memory_bytes = 320_000_000
        self.voices: tuple[VoiceInfo, ...] = tuple(voice.info for voice in VOICES.values())
        self.languages: tuple[str, ...] = ("zh", "zh-TW", "zh-CN", "en", "en-US", "en-GB")

    def load(self, progress: Progress) -> None:
        model = self._folder / "model.onnx"
        voices = {name: voice for name, voice in VOICES.items() if self._style_file(name).is_file()}
        if not model.is_file() or not voices:
            raise EngineError("Kokoro's model is not here. Fetch it: manage.py models pull kokoro", permanent=True)
        try:
            from inference.speech.mandarin import MandarinPhonemes  # noqa: PLC0415 - dictionaries of 50 MB

            english_g2p()
            self._mandarin = MandarinPhonemes(english_phonemes)
            # Kokoro's alphabet is hibari's: hibari was taught by it.
            self._vocabulary = json.loads((resources.files("hibari") / "assets/vocab.json").read_text("utf-8"))
            progress(0.4)
            self._session = _session(model, self._threads)
        except Exception as error:
            # onnxruntime raises a dozen types of its own for a broken file.
            message = f"Kokoro could not be loaded ({error}). Try: manage.py models verify kokoro"
            raise EngineError(message) from error
        progress(0.8)
        self.voices = tuple(voice.info for voice in voices.values())
        self.languages = tuple(dict.fromkeys(tag for info in self.voices for tag in info.languages))
        first = self.voices[0]
        text = _WARM_UP.get(first.id[0], _WARM_UP["a"])
        for _ in self.synthesize(text, voice=first.id, language=first.languages[0], speed=1.0):
            pass
        release_garbage()
        progress(1.0)

    def synthesize(self, text: str, *, voice: str, language: str, speed: float) -> Iterator[bytes]:
        """Yields a clause at a time, since the model is little faster than speech; nothing for a text without words.

        A Mandarin voice also says the English words of its text. Speed is kept within 0.5 and 2. Raises `EngineRefused`
        for a voice or a language it has not, or a text beyond `MAX_CHARACTERS`.
        """
        known = VOICES.get(voice)
        if known is None or known.info not in self.voices:
            raise EngineRefused(f"Kokoro has no voice {voice!r}.")
        spoken = {tag.partition("-")[0] for tag in known.info.languages}
        if language and language.partition("-")[0].lower() not in spoken:
            raise EngineRefused(f"The voice {voice} does not speak {language}.")
        if len(text) > MAX_CHARACTERS:
            raise EngineRefused(f"The text has {len(text)} characters; {MAX_CHARACTERS} can be spoken at once.")
        if self._session is None:
            raise EngineUnavailable("Kokoro is still being loaded.")
        return self._pieces(text, known, float(np.clip(speed, SLOWEST, FASTEST)))

    def _pieces(self, text: str, voice: Voice, speed: float) -> Iterator[bytes]:
        language = voice.info.languages[0]
        style = self._style(voice.info.id)
        for sentence in split(text, language):
            for clause in clauses(sentence):
                phonemes = self._phonemes(clause, voice)
                if not any(character.isalpha() for character in phonemes):
                    continue
                gap_s = sound.gap_after(clause) / speed
                for start in range(0, len(phonemes), _MAX_PHONEMES):
                    samples = self._run(phonemes[start : start + _MAX_PHONEMES], style, speed)
                    if pcm := sound.finished(samples, gain_db=voice.gain_db, gap_s=gap_s):
                        yield pcm

    def _phonemes(self, text: str, voice: Voice) -> str:
        match voice.info.id[0]:
            case "z":
                phonemes = str(self._mandarin(text))
            case accent:
                phonemes = english_phonemes(text, british=accent == "b")
        return "".join(phoneme for phoneme in phonemes if phoneme in self._vocabulary)

    def _run(self, phonemes: str, style: npt.NDArray[np.float32], speed: float) -> sound.Samples:
        ids = [0, *(self._vocabulary[phoneme] for phoneme in phonemes), 0]
        row = min(len(phonemes), len(style)) - 1
        inputs = {
            "tokens": np.asarray([ids], np.int64),
            "style": style[row : row + 1],
            "speed": np.asarray([speed], np.float32),
        }
        return np.asarray(self._session.run(None, inputs, _run_options())[0], np.float32).reshape(-1)

    def _style_file(self, voice: str) -> Path:
        return self._folder / "voices" / f"{voice}.bin"

    def _style(self, voice: str) -> npt.NDArray[np.float32]:
        """float32, shape (phonemes, 256): the voice, by the number of phonemes that it says at once."""
        if voice not in self._styles:
            try:
                self._styles[voice] = np.fromfile(self._style_file(voice), np.float32).reshape(-1, _STYLE)
            except (OSError, ValueError) as error:
                message = f"The voice {voice} cannot be read ({error}). Try: manage.py models verify kokoro"
                raise EngineError(message) from error
        return self._styles[voice]


def clauses(sentence: str) -> list[str]:
    """Parts of a sentence that can be spoken one by one; nothing is lost between them."""
    parts: list[str] = []
    for part in _CLAUSE.findall(sentence):
        if parts and min(_length(parts[-1]), _length(part)) < _SHORTEST_CLAUSE:
            parts[-1] += part
        elif part:
            parts.append(part)
    return parts


def _length(text: str) -> float:
    """In Chinese characters; three Latin letters take about as long to say."""
    latin = len(_LATIN.findall(text))
    return len(text.strip()) - latin * 2 / 3


def _session(model: Path, threads: int) -> Any:
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


@functools.cache
def _run_options() -> Any:
    """The arena would keep the longest sentence's 200 MB for ever; without an arena a sentence costs a third more."""
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options
