"""English text-to-speech: hibari's voice "heart", 7.9 MB, about a hundred times faster than real time on one core."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from inference.engines.base import Progress
from inference.engines.memory import release_garbage
from inference.errors import EngineError, EngineRefused, EngineUnavailable
from inference.speech import sound
from inference.speech.pronunciation import english_g2p, english_phonemes
from inference.speech.sentences import split
from inference.types import VoiceInfo

SLOWEST, FASTEST = 0.5, 2.0
MAX_CHARACTERS = 20_000

_WARM_UP = "Good morning, this is a sentence that warms the voice up."
_GAIN_DB = 5.4
"""Measured over 22 sentences: speech at -25.4 dBFS."""
_MAX_PHONEMES = 400
_NEAREST = str.maketrans({"Q": "O", "a": "æ", "ɒ": "ɔ", "ː": ""})
"""British phonemes that this voice never learnt, to the nearest it has: a third of the words misheard remains."""


class HibariEngine:
    """See `inference.engines.base.TextToSpeech`. Text is expected in words (`inference.speech.normalise`).

    The British voice is the same speaker with British pronunciation; its lexicon is loaded with its first sentence.
    Speakers born British are among Kokoro's.
    """

    model = "hibari"
    languages: tuple[str, ...] = ("en", "en-US", "en-GB")
    memory_bytes = 170_000_000
    parallel = 2
    voices: tuple[VoiceInfo, ...] = (
        VoiceInfo(id="hibari-us", name="Heart", engine="hibari", languages=("en", "en-US")),
        VoiceInfo(id="hibari-gb", name="Heart (British)", engine="hibari", languages=("en", "en-GB")),
    )

    def __init__(self) -> None:
        self._tts: Any = None

    def load(self, progress: Progress) -> None:
        try:
            from hibari import Hibari  # noqa: PLC0415 - onnxruntime is loaded by those who speak

            g2p = english_g2p()
            progress(0.6)
            self._tts = Hibari(threads=1, g2p=g2p)
        except (ImportError, OSError, RuntimeError) as error:
            message = f"The English voice could not be loaded ({error}). Reinstall the package hibari-tts."
            raise EngineError(message) from error
        for _ in self.synthesize(_WARM_UP, voice="hibari-us", language="en", speed=1.0):
            progress(0.9)
        release_garbage()
        progress(1.0)

    def synthesize(self, text: str, *, voice: str, language: str, speed: float) -> Iterator[bytes]:
        """Yields a sentence at a time; nothing for a text without words. Speed is kept within 0.5 and 2.

        Raises `EngineRefused` for another language than English, an unknown voice, or a text beyond `MAX_CHARACTERS`.
        """
        if language and language.partition("-")[0].lower() != "en":
            raise EngineRefused(f"hibari speaks English, not {language}.")
        if voice not in {known.id for known in self.voices}:
            raise EngineRefused(f"hibari has no voice {voice!r}.")
        if len(text) > MAX_CHARACTERS:
            raise EngineRefused(f"The text has {len(text)} characters; {MAX_CHARACTERS} can be spoken at once.")
        return self._pieces(text, float(np.clip(speed, SLOWEST, FASTEST)), british=voice == "hibari-gb")

    def _pieces(self, text: str, speed: float, *, british: bool) -> Iterator[bytes]:
        tts = self._loaded()
        for piece in split(text, "en"):
            phonemes = english_phonemes(piece, british=british)
            if british:
                phonemes = phonemes.translate(_NEAREST)
            if not any(character.isalpha() for character in phonemes):
                continue
            for start in range(0, len(phonemes), _MAX_PHONEMES):
                # The noise in the voice is drawn from a fixed seed: the same sentence is the same sound.
                ids = tts.ids(phonemes[start : start + _MAX_PHONEMES])
                samples = tts.from_ids(ids, speed, np.random.default_rng(0))
                if pcm := sound.finished(samples, gain_db=_GAIN_DB, gap_s=sound.gap_after(piece) / speed):
                    yield pcm

    def _loaded(self) -> Any:
        if self._tts is None:
            raise EngineUnavailable("The English voice is still being loaded.")
        return self._tts
