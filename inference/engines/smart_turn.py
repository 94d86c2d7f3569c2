"""Whether the speaker has finished: Smart Turn v3 (Daily, BSD-2) in process, on the last 8 s of an utterance."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from faster_whisper.feature_extractor import FeatureExtractor

from inference.engines.base import Audio, Progress
from inference.errors import EngineError, EngineUnavailable
from inference.types import STT_RATE

_WINDOW = 8 * STT_RATE
_FRAMES = 800
_HOP = 160
_FFT = 400
_HALF = _FFT // 2
_MELS = 80
_FLOOR = 1e-10
_VARIANCE_EPS = 1e-7
_RUNTIME_BYTES = 40 * 1024**2


class SmartTurnEngine:
    """`inference.engines.base.TurnModel`."""

    languages: tuple[str, ...] = tuple(
        "ar bn zh da nl de en fi fr hi id it ja ko mr no pl pt ru es tr uk vi".split()  # noqa: SIM905 - reads better
    )

    def __init__(self, model_path: Path) -> None:
        self.model = "smart-turn-v3"
        self.parallel = 1
        self.memory_bytes = _RUNTIME_BYTES + (model_path.stat().st_size if model_path.is_file() else 0)
        self._path = model_path
        self._session: ort.InferenceSession | None = None

    def load(self, progress: Progress) -> None:
        """Loads the model and runs it once; raises `EngineError` if the file is missing or broken."""
        if not self._path.is_file():
            raise EngineError(
                f"The turn detection model is not at {self._path}. Pull it with: manage.py models pull {self.model}",
                permanent=True,
            )
        progress(0.1)
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        try:
            session = ort.InferenceSession(str(self._path), options, providers=["CPUExecutionProvider"])
            session.run(None, {"input_features": features(np.zeros(STT_RATE, dtype=np.float32))[None]})
        except Exception as error:  # onnxruntime's errors share no base of their own
            raise EngineError(f"The turn detection model at {self._path} cannot be loaded: {error}") from error
        self._session = session
        progress(1.0)

    def predict(self, audio: Audio) -> float:
        """Probability (0..1) that the turn is over.

        ``audio``: float32, mono, `STT_RATE`, shape (n,): the utterance up to the pause; its last 8 s count. Takes about
        26 ms on one core. Raises `EngineUnavailable` before `load`.
        """
        if self._session is None:
            raise EngineUnavailable("The turn detection model is not loaded yet.")
        if not len(audio):
            return 0.0
        (probability,) = self._session.run(None, {"input_features": features(audio)[None]})
        return float(np.clip(np.asarray(probability).reshape(-1)[0], 0.0, 1.0))


def features(audio: Audio) -> npt.NDArray[np.float32]:
    """What the model was trained on: Whisper's log mel of 8 s, silence before the sound; shape (80, 800).

    The waveform, silence included, is first brought to zero mean and unit variance. Frames that see only that silence
    are all alike: one is computed and repeated, so that a short utterance costs a short transform.
    """
    sound = np.nan_to_num(np.asarray(audio[-_WINDOW:], dtype=np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    mean = sound.sum(dtype=np.float64) / _WINDOW
    variance = np.square(sound, dtype=np.float64).sum() / _WINDOW - mean**2
    scale = 1.0 / np.sqrt(max(variance, 0.0) + _VARIANCE_EPS)
    # Whole hops of silence before the sound, of which a frame's half and one more hop are kept.
    silent = max(0, (_WINDOW - len(sound) - _HALF) // _HOP - 1)
    window = np.zeros(_WINDOW - silent * _HOP, dtype=np.float32)
    window[len(window) - len(sound) :] = sound
    window = ((window - mean) * scale).astype(np.float32)
    lead = np.full(_HALF, window[0], dtype=np.float32) if silent else window[_HALF:0:-1]
    padded = np.concatenate([lead, window, window[-2 : -_HALF - 2 : -1]])
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP][: _FRAMES - silent]
    spectrum = np.fft.rfft(frames * _HANN, axis=-1)
    power = spectrum.real**2 + spectrum.imag**2
    mel = np.log10(np.maximum(_FILTERS @ power.T, _FLOOR))
    mel = np.concatenate([np.repeat(mel[:, :1], silent, axis=1), mel], axis=1)
    out: npt.NDArray[np.float32] = (np.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0
    return out.astype(np.float32)


_HANN = np.hanning(_FFT + 1)[:-1].astype(np.float32)
_FILTERS: npt.NDArray[np.float32] = FeatureExtractor.get_mel_filters(STT_RATE, _FFT, n_mels=_MELS).astype(np.float32)
