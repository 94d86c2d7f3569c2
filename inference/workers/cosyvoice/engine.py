"""CosyVoice 2 or 3 from a checkout, in the worker's thread.

Du et al., "CosyVoice 3: Towards In-the-wild Speech Generation via Scaling-up and Post-training" (2025). Three ways to
speak: in the reference's language (zero-shot), in another (cross-lingual), and as told in words (instruct).
"""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from inference.audio.resample import Resampler
from inference.errors import EngineError, EngineRefused, EngineUnavailable
from inference.types import WIRE_RATE
from inference.workers.cosyvoice.options import CosyVoiceOptions
from inference.workers.cosyvoice.speakers import Speakers, sound_file
from inference.workers.server import Cancelled, Tell
from inference.workers.speech import SpeakBody

_END_OF_PROMPT = "<|endofprompt|>"
_PROMPT_OF_3 = f"You are a helpful assistant.{_END_OF_PROMPT}"
_LONGEST_REFERENCE_S = 30.0
_SLOWEST, _FASTEST = 0.5, 2.0


class CosyVoice:
    """See `inference.workers.speech.Cloner`."""

    def __init__(self, options: CosyVoiceOptions) -> None:
        self._options = options
        self._model: Any = None
        self._speakers: Speakers | None = None
        self._prompt = ""

    def load(self, tell: Tell) -> None:
        checkout, model = Path(self._options.checkout), Path(self._options.model)
        if not (checkout / "cosyvoice").is_dir():
            raise EngineError(f"{checkout} is no checkout of CosyVoice. Check AVATAR_COSYVOICE_DIR.", permanent=True)
        if not model.is_dir():  # CosyVoice would begin to download it
            raise EngineError(f"CosyVoice's weights are not in {model}. Fetch them, or set AVATAR_COSYVOICE_MODEL.")
        tell(0.05, "Loading CosyVoice.")
        sys.path[:0] = [str(checkout), str(checkout / "third_party" / "Matcha-TTS")]
        try:
            from cosyvoice.cli.cosyvoice import AutoModel  # noqa: PLC0415 - the operator's
        except ImportError as error:
            raise EngineError(f"CosyVoice cannot be imported: {error}. Check AVATAR_COSYVOICE_PYTHON.") from error
        tell(0.3, "Loading CosyVoice's model.")
        self._model = AutoModel(model_dir=str(model), **({"fp16": True} if self._options.half else {}))
        # It logs what it is to say.
        logging.disable(logging.WARNING)
        self._prompt = _PROMPT_OF_3 if type(self._model).__name__ == "CosyVoice3" else ""
        self._speakers = Speakers(self._model, self._prompt)

    def speak(self, ask: SpeakBody, cancelled: Cancelled) -> Iterator[bytes]:
        """Chunk by chunk as it is made."""
        if len(ask.reference.pcm) / 2 / WIRE_RATE > _LONGEST_REFERENCE_S:
            raise EngineRefused(f"CosyVoice takes references of at most {_LONGEST_REFERENCE_S:g} s.")
        resampler = Resampler(int(self._model.sample_rate), WIRE_RATE)
        made = False
        for chunk in self._chunks(ask):
            if cancelled():
                return
            samples = np.asarray(chunk["tts_speech"].cpu().numpy(), np.float32).reshape(-1)
            if not np.isfinite(samples).all():
                raise EngineError("CosyVoice made a sound that is none.")
            pcm = resampler.feed((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
            made = made or bool(np.any(samples))
            if pcm:
                yield pcm
        if not made:
            raise EngineUnavailable("CosyVoice made no sound of this sentence.")
        if pcm := resampler.feed(b"", last=True):
            yield pcm

    def forget(self, reference_id: str) -> None:
        if self._speakers is not None:
            self._speakers.forget(reference_id)

    def _chunks(self, ask: SpeakBody) -> Iterator[dict[str, Any]]:
        assert self._speakers is not None
        model = self._model
        how = {"stream": True, "speed": float(np.clip(ask.speed, _SLOWEST, _FASTEST))}
        if ask.instructions:
            # A registered speaker would bring its own prompt, and the instruction would be lost.
            words = f"{self._prompt.removesuffix(_END_OF_PROMPT)} {ask.instructions}".strip() + _END_OF_PROMPT
            with sound_file(ask.reference) as path:
                yield from model.inference_instruct2(ask.text, words, path, **how)
            return
        speaker = self._speakers.of(ask.reference)
        if _primary(ask.language) == _primary(ask.reference.language):
            yield from model.inference_zero_shot(ask.text, "", "", zero_shot_spk_id=speaker, **how)
        else:
            yield from model.inference_cross_lingual(self._prompt + ask.text, "", zero_shot_spk_id=speaker, **how)


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()
