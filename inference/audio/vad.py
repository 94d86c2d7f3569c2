"""Voice activity: Silero VAD v6 (ONNX, MIT), the file that faster-whisper's wheel carries.

One model a process, one small recurrent state a stream. A frame of 32 ms costs about 0.1 ms of one core.
"""

import functools
import importlib.util
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from inference.types import STT_RATE

FRAME_SAMPLES = 512
"""Samples at `STT_RATE` that the model judges at once: 32 ms."""
CONTEXT_SAMPLES = 64
STATE_SIZE = 128

Samples = npt.NDArray[np.float32]


class VadStream(Protocol):
    """Voice activity of one microphone."""

    def probability(self, frame: Samples) -> float:
        """Probability (0..1) of speech in the next frame: float32 in -1..1, mono, `STT_RATE`, (`FRAME_SAMPLES`,)."""


class VadModel(Protocol):
    """A voice activity model that any number of streams share."""

    def stream(self) -> VadStream:
        """Starts a stream, as after silence."""


class SileroVad:
    """Silero VAD v6, loaded once; raises `FileNotFoundError` when its file is missing."""

    def __init__(self, path: Path | None = None) -> None:
        path = path or bundled()
        if not path.is_file():
            raise FileNotFoundError(f"The voice activity model is missing: {path}. Reinstall faster-whisper.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def stream(self) -> "SileroStream":
        return SileroStream(self._session)


class SileroStream:
    """The recurrent state of one microphone. Not for two threads at once."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._hidden = np.zeros((1, 1, STATE_SIZE), np.float32)
        self._cell = np.zeros((1, 1, STATE_SIZE), np.float32)
        self._input = np.zeros((1, CONTEXT_SAMPLES + FRAME_SAMPLES), np.float32)

    def probability(self, frame: Samples) -> float:
        self._input[0, :CONTEXT_SAMPLES] = self._input[0, -CONTEXT_SAMPLES:]
        self._input[0, CONTEXT_SAMPLES:] = frame
        speech, self._hidden, self._cell = self._session.run(
            None, {"input": self._input, "h": self._hidden, "c": self._cell}
        )
        return float(speech[0])


@functools.cache
def load() -> SileroVad:
    """The process's one model."""
    return SileroVad()


def bundled() -> Path:
    """The model's file, as faster-whisper brings it."""
    # Found by its place: importing faster_whisper would load CTranslate2 and PyAV into every web process.
    spec = importlib.util.find_spec("faster_whisper")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("The voice activity model is missing: faster-whisper is not installed.")
    return Path(spec.submodule_search_locations[0]) / "assets" / "silero_vad_v6.onnx"


FRAME_MS = FRAME_SAMPLES * 1000 // STT_RATE
