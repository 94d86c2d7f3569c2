"""Who speaks, as 256 numbers: Resemblyzer's voice encoder in numpy, from its own weights, without torch.

A three-layer LSTM over 1.6 s of speech at a time, the mean over all of these, brought to length 1. Recordings of one
voice point into the same direction (`inference.speaker`). Source: Wan et al., Generalized End-to-End Loss for Speaker
Verification, 2018 (arXiv:1710.10467); weights and their use: github.com/resemble-ai/Resemblyzer (Apache-2.0).
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from inference.engines.base import Audio, Progress
from inference.engines.speaker_sound import HOP, Mel, mel_spectrogram, prepared
from inference.engines.torch_file import Tensor, read_tensors
from inference.errors import AudioRefused, EngineError, EngineUnavailable
from inference.types import EMBEDDING_SIZE, STT_RATE

_LAYERS = 3
_WINDOW = 160
"""Frames that the network sees at once: 1.6 s."""
_STEP = 77
"""Frames from one window to the next: 1.3 windows a second."""
_AT_ONCE = 12
"""Windows that go through the network together: 9 s of speech, 25 MB."""
_LEAST_COVERED = 0.75
_LEAST_SPEECH_S = 0.5
_RUNTIME_BYTES = 12 * 1024**2

Vectors = npt.NDArray[np.float32]
"""float32, shape (windows, EMBEDDING_SIZE)."""


class SpeakerEncoder:
    """`inference.engines.base.SpeakerModel`."""

    languages: tuple[str, ...] = ()

    def __init__(self, model_path: Path) -> None:
        self.model = "resemblyzer"
        self.parallel = 1
        self.memory_bytes = _RUNTIME_BYTES
        self._path = model_path
        self._weights: dict[str, Tensor] | None = None
        self._threads: ThreadpoolController | None = None

    def load(self, progress: Progress) -> None:
        """Reads the weights and runs them once; raises `EngineError` if the file is missing, damaged or another."""
        if not self._path.is_file():
            raise EngineError(
                f"The speaker encoder is not at {self._path}. Pull it with: manage.py models pull {self.model}",
                permanent=True,
            )
        progress(0.1)
        weights = read_tensors(self._path, "model_state")
        try:
            _network(weights, np.zeros((1, 2, mel_spectrogram(np.zeros(HOP, np.float32)).shape[1]), np.float32))
        except (KeyError, ValueError) as error:
            raise EngineError(f"{self._path} holds another network: {error}", permanent=True) from error
        self._weights, self._threads = weights, ThreadpoolController()
        progress(1.0)

    def embed(self, audio: Audio) -> tuple[float, ...]:
        """The voice in ``audio``: `EMBEDDING_SIZE` numbers, none negative, L2 norm 1.

        ``audio``: float32, mono, `STT_RATE`, shape (n,). Takes about 80 ms for 5 s on one core. Raises `AudioRefused`
        when there is less than half a second of speech in it, `EngineUnavailable` before `load`.
        """
        if self._weights is None or self._threads is None:
            raise EngineUnavailable("The speaker encoder is not loaded yet.")
        # Hundreds of small products: threads that wait for each other on a busy machine made it 30 times slower.
        with self._threads.limit(limits=1, user_api="blas"):
            return self._embed(self._weights, audio)

    def _embed(self, weights: dict[str, Tensor], audio: Audio) -> tuple[float, ...]:
        speech = prepared(audio)
        if len(speech) < _LEAST_SPEECH_S * STT_RATE:
            raise AudioRefused(
                f"There is too little speech in it to know a voice by: {len(speech) / STT_RATE:.1f} s of at least "
                f"{_LEAST_SPEECH_S} s."
            )
        mels = windows(speech)
        embedded = [_network(weights, mels[at : at + _AT_ONCE]) for at in range(0, len(mels), _AT_ONCE)]
        mean = np.concatenate(embedded).mean(axis=0)
        return tuple((mean / np.linalg.norm(mean)).tolist())


def windows(speech: Audio) -> Mel:
    """The overlapping pieces of 1.6 s that are embedded each; shape (pieces, 160, 40).

    The last one is filled up with silence, or left out when it would be silence for more than a quarter.
    """
    frames = -(-(len(speech) + 1) // HOP)
    starts = list(range(0, max(1, frames - _WINDOW + _STEP + 1), _STEP))
    covered = (len(speech) - starts[-1] * HOP) / (_WINDOW * HOP)
    if covered < _LEAST_COVERED and len(starts) > 1:
        starts.pop()
    mel = mel_spectrogram(np.pad(speech, (0, max(0, (starts[-1] + _WINDOW) * HOP - len(speech)))))
    return np.stack([mel[start : start + _WINDOW] for start in starts])


def _network(weights: dict[str, Tensor], mels: Mel) -> Vectors:
    """(pieces, frames, 40) to one embedding each, L2 norm 1."""
    sequence = mels.transpose(1, 0, 2)
    for layer in range(_LAYERS):
        sequence = _lstm(sequence, *(weights[f"lstm.{name}_l{layer}"] for name in _PARTS))
    raw = np.maximum(sequence[-1] @ weights["linear.weight"].T + weights["linear.bias"], 0)
    if raw.shape[1] != EMBEDDING_SIZE:
        raise ValueError(f"it gives {raw.shape[1]} numbers instead of {EMBEDDING_SIZE}")
    out: Vectors = raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-9)
    return out


_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _lstm(sequence: Tensor, w_in: Tensor, w_hidden: Tensor, b_in: Tensor, b_hidden: Tensor) -> Tensor:
    """One layer: (frames, pieces, inputs) to the hidden state after each frame; gates in torch's order i, f, g, o."""
    size = w_hidden.shape[1]
    from_input = sequence @ w_in.T + (b_in + b_hidden)
    w_hidden = np.ascontiguousarray(w_hidden.T)
    hidden = cell = np.zeros((sequence.shape[1], size), np.float32)
    out = np.empty((*sequence.shape[:2], size), np.float32)
    for frame, given in enumerate(from_input):
        gates = given + hidden @ w_hidden
        keep_in, forget, out_gate = (_sigmoid(gates[:, part * size : (part + 1) * size]) for part in (0, 1, 3))
        cell = forget * cell + keep_in * np.tanh(gates[:, 2 * size : 3 * size])
        hidden = out_gate * np.tanh(cell)
        out[frame] = hidden
    return out


def _sigmoid(x: Tensor) -> Tensor:
    out: Tensor = np.float32(0.5) * (np.float32(1.0) + np.tanh(np.float32(0.5) * x))
    return out
