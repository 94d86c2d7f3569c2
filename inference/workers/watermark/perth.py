"""resemble-perth's implicit watermark on PCM16: a network changes the magnitudes below 2 kHz where masking hides it.

The mark carries no message: it says that the sound is synthetic. Source: github.com/resemble-ai/Perth (MIT).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from inference.audio.pcm import from_float, to_float
from inference.errors import EngineError
from inference.types import WIRE_RATE
from inference.workers.server import Tell

_LEAST_SAMPLES = WIRE_RATE // 10
"""The network's window does not fit into less."""
_HOP_SAMPLES = WIRE_RATE // 100
"""What comes out is whole hops long: up to one shorter than what went in."""
_FOUND = 0.9
_SELF_TEST_S = 2

Samples = npt.NDArray[np.float32]


class Perth:
    """Of one thread."""

    def __init__(self) -> None:
        self._watermarker: Any = None
        self._torch: Any = None

    def load(self, tell: Tell) -> None:
        """Loads the network and marks noise with it; raises `EngineError` when the mark is not found again."""
        tell(0.1, "Loading torch.")
        import torch  # noqa: PLC0415 - seconds: told while they pass

        torch.set_num_threads(1)
        tell(0.5, "Loading the watermark's network.")
        import perth  # noqa: PLC0415

        self._torch = torch
        self._watermarker = perth.PerthImplicitWatermarker()
        tell(0.9, "Trying the watermark.")
        noise = np.random.default_rng(0).normal(0, 0.1, _SELF_TEST_S * WIRE_RATE).astype(np.float32)
        plain, marked = self.confidence(from_float(noise)), self.confidence(self.marked(from_float(noise)))
        if not plain < 1 - _FOUND < _FOUND < marked:
            raise EngineError(
                f"The watermark does not work here: {marked:.2f} with it, {plain:.2f} without.", permanent=True
            )

    def marked(self, pcm: bytes) -> bytes:
        """PCM16 mono at WIRE_RATE with the mark, of the same length. About 15 ms a second of sound on one core."""
        sound = to_float(pcm)
        with self._torch.inference_mode():
            out: Samples = self._watermarker.apply_watermark(_at_least(sound, _HOP_SAMPLES), WIRE_RATE)
        if len(out) < len(sound) or not np.isfinite(out).all():
            raise EngineError("The watermark's network gave something that is no sound.")
        return from_float(out[: len(sound)])

    def confidence(self, pcm: bytes) -> float:
        """How sure it is that PCM16 mono at WIRE_RATE carries the mark: 0..1; 0 for silence."""
        with self._torch.inference_mode():
            found = self._watermarker.get_watermark(_at_least(to_float(pcm)), WIRE_RATE, round=False)
        return float(np.nan_to_num(found, nan=0.0))


def _at_least(sound: Samples, more: int = 0) -> Samples:
    return np.pad(sound, (0, max(more, _LEAST_SAMPLES - len(sound))))
