"""Where in a recording somebody speaks, and how far that stands out of what is between."""

import itertools
import math

import msgspec
import numpy as np

from inference.audio import vad
from inference.audio.pcm import from_float, to_float
from inference.audio.resample import resample
from inference.types import STT_RATE, WIRE_RATE
from voices.checks.levels import Samples

REFERENCE_S = 12.0
"""The longest sample that is spoken from."""
_SPEECH = 0.5
"""Probability from which on a frame counts as speech."""
_BRIDGE_FRAMES = 8
"""Pauses up to a quarter of a second between words are not held against the speech they stand in."""
_PAUSE_FRAMES = 3
_EDGE_S = 0.15
"""Left at either end, so that no breath is cut."""
_NOISE_FLOOR = 1e-5
"""-100 dBFS: digital silence has no level."""
_BEST_SNR_DB = 80.0


class Speech(msgspec.Struct, frozen=True):
    """``begin``, ``end``: samples at `WIRE_RATE` of the first and last speech; both 0 when there is none."""

    speech_s: float
    """Without the pauses."""
    begin: int
    end: int
    snr_db: float
    """RMS of the speech above that of the rest."""
    pauses: tuple[tuple[int, int], ...] = ()
    """Between words, as samples at `WIRE_RATE`: where each begins and ends."""


def find(audio: Samples) -> Speech:
    """audio: float32, mono, `WIRE_RATE`. About 5 ms for each second."""
    heard = to_float(resample(from_float(audio), WIRE_RATE, STT_RATE))
    frames = heard[: len(heard) // vad.FRAME_SAMPLES * vad.FRAME_SAMPLES].reshape(-1, vad.FRAME_SAMPLES)
    stream = vad.load().stream()
    speaking = np.array([stream.probability(frame) >= _SPEECH for frame in frames], dtype=bool)
    if not speaking.any():
        return Speech(0.0, 0, 0, 0.0)
    where = np.flatnonzero(speaking)
    bridged = speaking.copy()
    for before, after in itertools.pairwise(where):
        if after - before <= _BRIDGE_FRAMES:
            bridged[before:after] = True
    per_frame = vad.FRAME_SAMPLES * WIRE_RATE // STT_RATE
    return Speech(
        speech_s=round(int(bridged.sum()) * vad.FRAME_SAMPLES / STT_RATE, 2),
        begin=int(where[0]) * per_frame,
        end=min(len(audio), (int(where[-1]) + 1) * per_frame),
        snr_db=_snr(frames, speaking, bridged),
        pauses=tuple(
            ((int(before) + 1) * per_frame, int(after) * per_frame)
            for before, after in itertools.pairwise(where)
            if after - before > _PAUSE_FRAMES
        ),
    )


def trimmed(audio: Samples, speech: Speech) -> Samples:
    """From just before the first word to just after the last; of long speech its beginning, up to a pause.

    Cloning engines take `REFERENCE_S` at most, and the words must be exactly those that are heard.
    """
    edge = int(_EDGE_S * WIRE_RATE)
    begin = max(0, speech.begin - edge)
    if speech.end - begin <= REFERENCE_S * WIRE_RATE:
        return audio[begin : speech.end + edge]
    latest, earliest = begin + int(REFERENCE_S * WIRE_RATE), begin + int(REFERENCE_S / 2 * WIRE_RATE)
    pauses = [(start, end) for start, end in speech.pauses if start >= earliest and end <= latest]
    if not pauses:
        return audio[begin:latest]
    start, end = max(pauses, key=lambda pause: pause[1] - pause[0])
    return audio[begin : min(end, start + edge)]


def _snr(
    frames: Samples,
    speaking: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    bridged: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
) -> float:
    """The quietest tenth of the frames stands for the noise where nobody ever pauses."""
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    rest = power[~bridged]
    noise = float(np.median(rest)) if len(rest) >= 5 else float(np.quantile(power, 0.1))
    level = float(np.mean(power[speaking]))
    return round(min(_BEST_SNR_DB, 10 * math.log10(max(level, _NOISE_FLOOR**2) / max(noise, _NOISE_FLOOR**2))), 1)
