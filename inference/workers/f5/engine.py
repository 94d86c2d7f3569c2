"""F5-TTS itself (f5-tts 1.1, torch), in the worker's thread.

Chen et al., "F5-TTS: A Fairytaler that Fakes Fluent and Faithful Speech with Flow Matching" (2024): the mel spectrogram
of reference and new text is inferred together in ``nfe_step`` steps; Vocos makes sound of the new part.
"""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from inference.errors import EngineError, EngineRefused, EngineUnavailable
from inference.speech import sound
from inference.types import WIRE_RATE, Reference
from inference.workers.f5.options import F5Options
from inference.workers.f5.texts import FEWEST_WORDS, duration_s, pieces, room_bytes, words
from inference.workers.server import Cancelled, Tell
from inference.workers.speech import SpeakBody

_HUB = "SWivid/F5-TTS"
_PUBLISHED = {
    "F5TTS_v1_Base": "F5TTS_v1_Base/model_1250000.safetensors",
    "F5TTS_Base": "F5TTS_Base/model_1200000.safetensors",
}
_LONGEST_REFERENCE_S = 20.0
_SLICE = WIRE_RATE // 5 * 2
"""Bytes of 0.2 s."""
_PAUSE_AFTER_REFERENCE_S = 0.05
_SHORT_SPEED = 0.7
"""A text that is short all by itself is given more time, so that its words have room."""
_MOST_GAIN_DB = 15.0
_ENDS = ".!?。！？"
_WARM_UP_S = 2.0


class Stopped(EngineError):
    """Nobody waits for the rest."""


class F5:
    """See `inference.workers.speech.Cloner`."""

    def __init__(self, options: F5Options) -> None:
        self._options = options
        self._cancelled: Cancelled = lambda: False
        self._torch: Any = None
        self._infer: Any = None
        self._model: Any = None
        self._vocoder: Any = None

    def load(self, tell: Tell) -> None:
        options = self._options
        tell(0.05, "Loading PyTorch and F5-TTS.")
        import torch  # noqa: PLC0415 - seconds, in the loading thread

        if options.device == "cpu":
            # More threads spin for each other's results; what else runs on the machine then waits for them.
            torch.set_num_threads(options.threads)
            torch.set_num_interop_threads(1)
        elif not torch.cuda.is_available():
            raise EngineError(f"F5-TTS is to run on {options.device}, but PyTorch finds no GPU.", permanent=True)
        from f5_tts.infer import utils_infer  # noqa: PLC0415

        self._torch, self._infer = torch, utils_infer
        tell(0.4, "Loading the model.")
        try:
            self._model = self._load_model()
            tell(0.8, "Loading the vocoder.")
            self._vocoder = utils_infer.load_vocoder(
                "vocos", bool(options.vocoder), options.vocoder, device=options.device
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise EngineError(
                f"F5-TTS' files cannot be loaded ({type(error).__name__}: {error}). Check AVATAR_F5_MODEL, "
                "AVATAR_F5_CHECKPOINT, AVATAR_F5_VOCABULARY and AVATAR_F5_VOCODER."
            ) from error
        self._model.transformer.register_forward_pre_hook(self._between_steps)
        tell(0.9, "Warming up.")
        self._warm_up()

    def speak(self, ask: SpeakBody, cancelled: Cancelled) -> Iterator[bytes]:
        """Sentence by sentence; each is made as a whole, then given in slices of 0.2 s."""
        self._cancelled = cancelled
        reference_s = len(ask.reference.pcm) / 2 / WIRE_RATE
        if reference_s > _LONGEST_REFERENCE_S:
            raise EngineRefused(f"F5-TTS takes references of at most {_LONGEST_REFERENCE_S:g} s.")
        audio, transcript = self._prepared(ask.reference)
        room = room_bytes(transcript, reference_s, ask.speed)
        made = False
        for text in pieces(ask.text, room, self._infer.chunk_text):
            if not words(text):
                continue
            speed = ask.speed * (_SHORT_SPEED if words(text) < FEWEST_WORDS else 1.0)
            pcm = self._pcm(self._wave(audio, transcript, text, speed), text, speed)
            made = made or bool(pcm)
            for start in range(0, len(pcm), _SLICE):
                yield pcm[start : start + _SLICE]
        if not made and words(ask.text):
            raise EngineUnavailable("F5-TTS made no sound of this sentence.")

    def forget(self, reference_id: str) -> None:
        """References come with each sentence; none is kept."""

    def _load_model(self) -> Any:
        from hydra.utils import get_class  # noqa: PLC0415
        from omegaconf import OmegaConf  # noqa: PLC0415

        options = self._options
        file = Path(options.model).expanduser()
        if file.suffix not in {".yaml", ".yml"}:
            file = Path(str(files("f5_tts").joinpath(f"configs/{options.model}.yaml")))
        config = OmegaConf.load(file)
        if config.model.mel_spec.mel_spec_type != "vocos":
            raise EngineError("Only F5-TTS models for the vocoder Vocos can be used.", permanent=True)
        return self._infer.load_model(
            get_class(f"f5_tts.model.{config.model.backbone}"),
            config.model.arch,
            options.checkpoint or self._published(),
            "vocos",
            options.vocabulary,
            device=options.device,
        )

    def _published(self) -> str:
        from huggingface_hub import hf_hub_download  # noqa: PLC0415

        name = _PUBLISHED.get(self._options.model)
        if name is None:
            raise EngineError("AVATAR_F5_CHECKPOINT must name the checkpoint of this model.", permanent=True)
        return str(hf_hub_download(_HUB, name))

    def _prepared(self, reference: Reference) -> tuple[Any, str]:
        """Sound as torch.float32 of shape (1, n) at WIRE_RATE with a short pause after it, and its words."""
        samples = np.frombuffer(reference.pcm, "<i2").astype(np.float32) / 32768
        padded = np.concatenate((samples, np.zeros(int(_PAUSE_AFTER_REFERENCE_S * WIRE_RATE), np.float32)))
        transcript = reference.transcript.strip()
        if transcript[-1] not in _ENDS:
            transcript += "." if transcript[-1].isascii() else "。"
        return self._torch.from_numpy(padded)[None], transcript

    def _wave(self, audio: Any, transcript: str, text: str, speed: float, steps: int = 0) -> sound.Samples:
        # f5-tts would reckon with the pace of any sample: one word in ten seconds makes a minute of a short sentence.
        reference_s = audio.shape[-1] / WIRE_RATE
        made = self._infer.infer_batch_process(
            (audio, WIRE_RATE),
            transcript,
            [text],
            self._model,
            self._vocoder,
            progress=None,
            nfe_step=steps or self._options.nfe_step,
            fix_duration=reference_s + duration_s(text, transcript, reference_s, speed),
            device=self._options.device,
            streaming=True,
            chunk_size=2**31,
        )
        wave = np.concatenate([np.asarray(part, np.float32) for part, _ in made])
        if not np.isfinite(wave).all():
            raise EngineError("F5-TTS made a sound that is none.")
        return wave

    def _pcm(self, wave: sound.Samples, text: str, speed: float) -> bytes:
        loudness = sound.speech_rms_db(wave)
        if loudness == float("-inf"):
            return b""
        gain_db = float(np.clip(sound.TARGET_RMS_DB - loudness, -_MOST_GAIN_DB, _MOST_GAIN_DB))
        return sound.finished(wave, gain_db=gain_db, gap_s=sound.gap_after(text) / speed)

    def _between_steps(self, *_: object) -> None:
        if self._cancelled():
            raise Stopped("Nobody waits for the rest of this sentence.")

    def _warm_up(self) -> None:
        noise = np.random.default_rng(0).normal(0, 0.1, int(_WARM_UP_S * WIRE_RATE)).astype(np.float32)
        self._wave(self._torch.from_numpy(noise)[None], "This is a warm up.", "It is warm now.", 1.0, steps=2)
