"""Where speech is in a piece of audio, and how it is cut into windows for the encoder."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from faster_whisper.vad import get_vad_model

from inference.engines.base import Audio
from inference.types import STT_RATE

HOP = 512
"""Samples of one step of the voice activity model (32 ms)."""
_SPEECH = 0.5
_MAYBE = 0.35
_LEAST_SPEECH_STEPS = 2
_BEFORE_S = 0.3
_AFTER_S = 0.4
_LONGEST_GAP_S = 2.0
"""A longer silence ends a window: it is not worth encoding, and silence is where Whisper invents."""
MAX_WINDOW_S = 28.0
"""Whisper's encoder takes 30 s."""
_SEARCH_S = 8.0


class Window(msgspec.Struct, frozen=True):
    """A stretch of audio for one pass, in samples; ``speech`` is the voice activity model's surest step in it."""

    start: int
    end: int
    speech: float


def speech_probabilities(audio: Audio) -> npt.NDArray[np.float32]:
    """Silero's probability of speech for each 32 ms; shape (ceil(n / 512),)."""
    padded = np.pad(audio, (0, -len(audio) % HOP))
    out: npt.NDArray[np.float32] = get_vad_model()(padded).reshape(-1)
    return out


def speech_windows(audio: Audio, probabilities: npt.NDArray[np.float32]) -> list[Window]:
    """The stretches to transcribe: speech and a little around it, each at most `MAX_WINDOW_S`; none in silence."""
    runs = _runs(probabilities)
    windows: list[Window] = []
    for first, last in _grouped(runs):
        for a, b in _split(first, last, probabilities):
            start = max(0, int(a * HOP - _BEFORE_S * STT_RATE))
            end = min(len(audio), int(b * HOP + _AFTER_S * STT_RATE))
            if windows:
                start = max(start, windows[-1].end)
            windows.append(Window(start, end, float(probabilities[a:b].max())))
    return windows


def _runs(probabilities: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """Runs of steps [first, last) with speech: begun by a sure step, kept by a likely one."""
    runs: list[tuple[int, int]] = []
    begun: int | None = None
    sure = 0
    for step, p in enumerate([*probabilities.tolist(), 0.0]):
        if begun is None:
            if p >= _SPEECH:
                begun, sure = step, 1
        elif p >= _MAYBE:
            sure += p >= _SPEECH
        else:
            if sure >= _LEAST_SPEECH_STEPS:
                runs.append((begun, step))
            begun = None
    return runs


def _grouped(runs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbours joined while they fit one window together and are not far apart."""
    groups: list[tuple[int, int]] = []
    most, gap = int(MAX_WINDOW_S * STT_RATE / HOP), int(_LONGEST_GAP_S * STT_RATE / HOP)
    for first, last in runs:
        if groups and last - groups[-1][0] <= most and first - groups[-1][1] <= gap:
            groups[-1] = (groups[-1][0], last)
        else:
            groups.append((first, last))
    return groups


def _split(first: int, last: int, probabilities: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """Speech without a pause for longer than a window is cut where it is least like speech."""
    most, search = int(MAX_WINDOW_S * STT_RATE / HOP), int(_SEARCH_S * STT_RATE / HOP)
    pieces = []
    while last - first > most:
        at = first + most - search + int(probabilities[first + most - search : first + most].argmin())
        pieces.append((first, at))
        first = at
    pieces.append((first, last))
    return pieces
