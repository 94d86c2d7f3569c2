"""What every voice's sound goes through: the silence around it, its loudness, its edges, and PCM16."""

import numpy as np
import numpy.typing as npt

from inference.types import WIRE_RATE

Samples = npt.NDArray[np.float32]
"""float32, mono, WIRE_RATE, shape (n,)."""

TARGET_RMS_DB = -20.0
"""Loudness of speech (pauses left out), dBFS: what voices are brought to, so that none is louder than another."""
PEAK = 0.88
"""Nothing is louder than this: -1.1 dBFS."""

_FRAME = WIRE_RATE // 100
_KNEE = 0.7
_SILENCE = 10 ** (-70 / 20)
_BELOW_LOUDEST = 10 ** (-48 / 20)
_LEAD_S = 0.02
_TAIL_S = 0.03
_FADE_IN_S = 0.004
_FADE_OUT_S = 0.03

_SENTENCE_GAP_S = 0.24
_CLAUSE_GAP_S = 0.10
_SENTENCE_ENDS = frozenset(".!?。！？…")
_CLOSERS = "\"'”’)]）」』】》 \n"


def _loudness(samples: Samples) -> Samples:
    """RMS of each 10 ms."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    return np.sqrt(np.mean(np.square(frames), axis=1, dtype=np.float32))


def speech_rms_db(samples: Samples) -> float:
    """Loudness of the speech in ``samples`` without its pauses, dBFS; -inf when there is none."""
    loudness = _loudness(samples)
    active = loudness > max(_SILENCE, float(loudness.max(initial=0.0)) * 0.05)
    if not active.any():
        return float("-inf")
    return float(20 * np.log10(np.sqrt(np.mean(np.square(loudness[active])))))


def trimmed(samples: Samples) -> Samples:
    """``samples`` from just before the first sound to just after the last; empty when all is silence.

    Models begin with up to 0.4 s of silence, which the listener would wait through.
    """
    loudness = _loudness(samples)
    active = np.flatnonzero(loudness > max(_SILENCE, float(loudness.max(initial=0.0)) * _BELOW_LOUDEST))
    if not len(active):
        return samples[:0]
    start = max(0, int(active[0]) * _FRAME - int(_LEAD_S * WIRE_RATE))
    end = min(len(samples), (int(active[-1]) + 1) * _FRAME + int(_TAIL_S * WIRE_RATE))
    return samples[start:end]


def limited(samples: Samples) -> Samples:
    """Peaks bent smoothly below `PEAK`; what is below the knee is untouched."""
    size = np.abs(samples)
    over = size > _KNEE
    if not over.any():
        return samples
    room = PEAK - _KNEE
    out = samples.copy()
    out[over] = np.sign(samples[over]) * (_KNEE + room * np.tanh((size[over] - _KNEE) / room))
    return out


def gap_after(text: str) -> float:
    """Seconds of silence that a speaker leaves after a piece that ends like ``text``."""
    return _SENTENCE_GAP_S if text.rstrip(_CLOSERS)[-1:] in _SENTENCE_ENDS else _CLAUSE_GAP_S


def finished(samples: Samples, *, gain_db: float, gap_s: float) -> bytes:
    """PCM16 of one spoken piece: trimmed, at the voice's loudness, without clicks at its edges, silence after it.

    gain_db: what brings the voice to `TARGET_RMS_DB`. Empty when ``samples`` hold no sound.
    """
    speech = trimmed(samples)
    if not len(speech):
        return b""
    speech = limited(speech * np.float32(10 ** (gain_db / 20)))
    fade_in = min(len(speech), int(_FADE_IN_S * WIRE_RATE))
    fade_out = min(len(speech), int(_FADE_OUT_S * WIRE_RATE))
    speech[:fade_in] *= np.linspace(0, 1, fade_in, dtype=np.float32)
    speech[-fade_out:] *= np.linspace(1, 0, fade_out, dtype=np.float32)
    silence = np.zeros(int(gap_s * WIRE_RATE), "<i2")
    return np.concatenate(((speech * 32767.0).astype("<i2"), silence)).tobytes()
