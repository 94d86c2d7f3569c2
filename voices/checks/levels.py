"""How loud a recording is, and making all recordings equally loud (EBU R 128, by FFmpeg's filters)."""

import math
from fractions import Fraction

import av
import av.error
import av.filter
import msgspec
import numpy as np
import numpy.typing as npt

from inference.audio.pcm import from_float, to_float
from inference.types import WIRE_RATE

TARGET_LUFS = -23.0
"""EBU R 128's; what F5-TTS and others bring references to lies within 3 dB of it."""
PEAK = 10 ** (-1.0 / 20)
"""Nothing is louder: -1 dBFS."""
_FULL_SCALE = 32_700 / 32_768
_QUIETEST_LUFS = -70.0
_STEP = WIRE_RATE // 10

Samples = npt.NDArray[np.float32]
"""float32, mono, `WIRE_RATE`, shape (n,)."""


class Levels(msgspec.Struct, frozen=True):
    loudness_lufs: float
    """Integrated; -70 when there is nothing to hear."""
    peak_db: float
    """dBFS; -120 for silence."""
    clipped: float
    """Share of samples at full scale, 0..1."""


def measure(audio: Samples) -> Levels:
    """The levels of a recording of half a second or more."""
    peak = float(np.abs(audio).max(initial=0.0))
    clipped = float(np.mean(np.abs(audio) >= _FULL_SCALE)) if len(audio) else 0.0
    return Levels(
        loudness_lufs=_loudness(audio),
        peak_db=round(20 * math.log10(max(peak, 1e-6)), 1),
        clipped=round(clipped, 6),
    )


def normalised(audio: Samples) -> Samples:
    """The same at `TARGET_LUFS`, or as near as its peaks let it: the gain is one for all of it, nothing is bent."""
    loudness = _loudness(audio)
    if loudness <= _QUIETEST_LUFS:
        return audio
    peak = float(np.abs(audio).max(initial=0.0)) or 1.0
    gain = min(10 ** ((TARGET_LUFS - loudness) / 20), PEAK / peak)
    return (audio * np.float32(gain)).astype(np.float32)


def _loudness(audio: Samples) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4, gated), as FFmpeg's ``ebur128`` measures it."""
    # Of a last piece that is not whole the filter says nothing.
    missing = max(WIRE_RATE // 2 - len(audio), -len(audio) % _STEP)
    audio = np.concatenate((audio, np.zeros(missing, np.float32)))
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=WIRE_RATE, format="s16", layout="mono", time_base=Fraction(1, WIRE_RATE))
    meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    pcm = from_float(audio)
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
    frame.sample_rate, frame.pts = WIRE_RATE, 0
    frame.planes[0].update(pcm)
    source.push(frame)
    source.push(None)
    loudness = _QUIETEST_LUFS
    while True:
        try:
            measured = graph.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            break
        said = float(measured.metadata.get("lavfi.r128.I", _QUIETEST_LUFS))
        loudness = said if math.isfinite(said) else loudness
    return round(max(loudness, _QUIETEST_LUFS), 2)


def of_pcm(pcm: bytes) -> Samples:
    return to_float(pcm)
