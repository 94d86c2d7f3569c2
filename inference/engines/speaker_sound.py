"""What a speaker encoder hears: the speech without its long pauses, as 40 mel bands; Resemblyzer's own preparation.

The weights were trained behind exactly these steps, so they are repeated to the number (tests compare them with the
package itself). Source: github.com/resemble-ai/Resemblyzer, ``audio.py`` and ``hparams.py`` (Apache-2.0).
"""

import numpy as np
import numpy.typing as npt
import webrtcvad
from faster_whisper.feature_extractor import FeatureExtractor

from inference.engines.base import Audio
from inference.types import STT_RATE

Mel = npt.NDArray[np.float32]
"""float32, shape (frames, 40); a frame is 10 ms."""

HOP = STT_RATE // 100
_FFT = STT_RATE * 25 // 1000
_BANDS = 40
_TARGET_DB = -30.0
_FULL_SCALE = 32767.0
_VAD_WINDOW = STT_RATE * 30 // 1000
_VAD_STRICTEST = 3
_AVERAGED = 8
_WIDENED = 7

_HANN = np.hanning(_FFT + 1)[:-1].astype(np.float32)
_FILTERS: Mel = FeatureExtractor.get_mel_filters(STT_RATE, _FFT, n_mels=_BANDS).astype(np.float32)


def prepared(audio: Audio) -> Audio:
    """Speech at -30 dBFS at least, without pauses longer than some 0.2 s; may be empty."""
    audio = np.nan_to_num(np.asarray(audio, dtype=np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    return without_pauses(_raised(audio))


def _raised(audio: Audio) -> Audio:
    rms = float(np.sqrt(np.mean(np.square(audio, dtype=np.float64)))) if len(audio) else 0.0
    gain = 10 ** (_TARGET_DB / 20) / rms if rms > 0 else 1.0
    return audio * np.float32(max(1.0, gain))


def without_pauses(audio: Audio) -> Audio:
    """What WebRTC's voice activity detection takes for speech, smoothed over 0.24 s and widened by 0.09 s."""
    audio = audio[: len(audio) // _VAD_WINDOW * _VAD_WINDOW]
    if not len(audio):
        return audio
    pcm = np.rint(audio * _FULL_SCALE).clip(-32768, 32767).astype("<i2").tobytes()
    vad = webrtcvad.Vad(_VAD_STRICTEST)
    size = _VAD_WINDOW * 2
    flags = [vad.is_speech(pcm[at : at + size], STT_RATE) for at in range(0, len(pcm), size)]
    lead = np.zeros((_AVERAGED - 1) // 2)
    sums = np.cumsum(np.concatenate((lead, flags, np.zeros(_AVERAGED // 2))))
    sums[_AVERAGED:] = sums[_AVERAGED:] - sums[:-_AVERAGED]
    voiced = np.round(sums[_AVERAGED - 1 :] / _AVERAGED)
    widened = np.convolve(voiced, np.ones(_WIDENED), "full")[_WIDENED // 2 :][: len(flags)] > 0
    return audio[np.repeat(widened, _VAD_WINDOW)]


def mel_spectrogram(audio: Audio) -> Mel:
    """Power in 40 mel bands each 10 ms (not its logarithm), windows of 25 ms centred on the frame."""
    padded = np.pad(audio, _FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::HOP]
    spectrum = np.fft.rfft(frames * _HANN, axis=-1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    mel: Mel = (power.astype(np.float32) @ _FILTERS.T).astype(np.float32)
    return mel
