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
MAX_WINDOW_S = 18.8
"""Of speech: with the sound around it, two of the encoder's 10 s steps. In longer ones it skips sentences."""
_SEARCH_S = 8.0


class Window(msgspec.Struct, frozen=True):
    """A stretch of audio for one pass, in samples."""

    start: int
    end: int
    speech: float
    """The voice activity model's surest step in it."""
    lead: int
    """Silence to put before it: speech that begins at once makes Whisper stumble."""


def speech_probabilities(audio: Audio) -> npt.NDArray[np.float32]:
    """Silero's probability of speech for each 32 ms; shape (ceil(n / 512),)."""
    padded = np.pad(audio, (0, -len(audio) % HOP))
    out: npt.NDArray[np.float32] = get_vad_model()(padded).reshape(-1)
    return out


def speech_windows(audio: Audio, probabilities: npt.NDArray[np.float32]) -> list[Window]:
    """The stretches to transcribe: speech and a little around it, each at most 30 s; none in silence.

    Neighbours share the pause between them: half each, if it is short.
    """
    pieces = [cut for run in _grouped(_runs(probabilities)) for cut in _split(*run, probabilities)]
    windows: list[Window] = []
    for number, (first, last) in enumerate(pieces):
        before = (pieces[number - 1][1] + first) // 2 * HOP if number else 0
        after = (last + pieces[number + 1][0]) // 2 * HOP if number + 1 < len(pieces) else len(audio)
        start = max(before, int(first * HOP - _BEFORE_S * STT_RATE))
        end = min(after, len(audio), int(last * HOP + _AFTER_S * STT_RATE))
        lead = max(0, int(_BEFORE_S * STT_RATE) - (first * HOP - start))
        windows.append(Window(start, end, float(probabilities[first:last].max()), lead))
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
    """Runs joined into windows: parted by every long silence, and where they do not fit, at the longest late pause."""
    most, gap = _steps(MAX_WINDOW_S), _steps(_LONGEST_GAP_S)
    groups: list[list[tuple[int, int]]] = []
    for run in runs:
        if not groups or run[0] - groups[-1][-1][1] > gap:
            groups.append([run])
            continue
        group = groups[-1]
        group.append(run)
        while len(group) > 1 and run[1] - group[0][0] > most:
            late = [n for n in range(1, len(group)) if group[n - 1][1] - group[0][0] >= most // 2] or [len(group) - 1]
            cut = max(late, key=lambda n: group[n][0] - group[n - 1][1])
            groups[-1], group = group[:cut], group[cut:]
            groups.append(group)
    return [(group[0][0], group[-1][1]) for group in groups]


def _split(first: int, last: int, probabilities: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """Speech without a pause for longer than a window is cut where it is least like speech."""
    most, search = _steps(MAX_WINDOW_S), _steps(_SEARCH_S)
    pieces = []
    while last - first > most:
        at = first + most - search + int(probabilities[first + most - search : first + most].argmin())
        pieces.append((first, at))
        first = at
    pieces.append((first, last))
    return pieces


def _steps(seconds: float) -> int:
    return int(seconds * STT_RATE / HOP)
