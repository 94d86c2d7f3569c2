"""Which of somebody's utterances a cloning engine is given: a few seconds, clear, and their exact words."""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from inference.audio.pcm import from_float, to_float
from inference.types import WIRE_RATE

LEAST_S, ENOUGH_S, MOST_S = 3.0, 8.0, 12.0
"""Speech that a reference needs, is better with, and has at most (what F5-TTS takes)."""
CONFIDENT = 0.5
"""Words that speech-to-text was less sure of may be others than were said, and would be spoken with every sentence."""
QUIET, CLIPPED = 0.01, 0.999
"""Root mean square of full scale below which there is too little to hear; what counts as clipped."""
FRAME = WIRE_RATE // 50
GAP = bytes(2 * WIRE_RATE // 5)
"""Between two utterances: 200 ms."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """An utterance that may serve. ``pcm``: PCM16 mono at WIRE_RATE, without the silence around it."""

    turn_id: str
    pcm: bytes
    text: str
    language: str
    confidence: float

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / 2 / WIRE_RATE


def heard(turn_id: str, pcm: bytes, text: str, language: str, confidence: float) -> Heard | None:
    """The utterance, trimmed; None when it cannot serve: unsure words, too quiet, clipped, too long."""
    if not text.strip() or confidence < CONFIDENT:
        return None
    trimmed = _trimmed(pcm)
    samples = to_float(trimmed)
    if not len(samples) or len(samples) / WIRE_RATE > MOST_S:
        return None
    loudness = float(np.sqrt(np.mean(samples**2)))
    clipped = float(np.mean(np.abs(samples) >= CLIPPED))
    if loudness < QUIET or clipped > 0.001:
        return None
    return Heard(turn_id=turn_id, pcm=trimmed, text=text.strip(), language=language, confidence=confidence)


def best(utterances: Iterable[Heard]) -> tuple[Heard, ...]:
    """Those of one language that together come nearest to `ENOUGH_S`, the surest first, in the order they were said.

    Empty while there is less than `LEAST_S`.
    """
    said = list(utterances)
    groups: dict[str, list[Heard]] = {}
    for one in said:
        groups.setdefault(one.language.partition("-")[0], []).append(one)
    chosen = max((_fill(group) for group in groups.values()), key=duration_s, default=())
    return tuple(one for one in said if one in chosen) if duration_s(chosen) >= LEAST_S else ()


def _fill(group: Sequence[Heard]) -> tuple[Heard, ...]:
    chosen: list[Heard] = []
    for one in sorted(group, key=lambda heard: (heard.duration_s >= LEAST_S, heard.confidence), reverse=True):
        if duration_s(chosen) >= ENOUGH_S:
            break
        if duration_s((*chosen, one)) <= MOST_S:
            chosen.append(one)
    return tuple(chosen)


def duration_s(utterances: Sequence[Heard]) -> float:
    """Of all of them, with the gaps between."""
    gaps = max(0, len(utterances) - 1) * len(GAP) / 2 / WIRE_RATE
    return sum(one.duration_s for one in utterances) + gaps


def joined(utterances: Sequence[Heard]) -> tuple[bytes, str]:
    """Their sound, and their words."""
    return GAP.join(one.pcm for one in utterances), " ".join(one.text for one in utterances)


def _trimmed(pcm: bytes) -> bytes:
    """Without the silence before and after, but for 100 ms of it."""
    samples = to_float(pcm)
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    if not len(frames):
        return b""
    loud = np.sqrt(np.mean(frames**2, axis=1))
    speaking = np.flatnonzero(loud > max(0.003, float(loud.max()) * 0.05))
    if not len(speaking):
        return b""
    first, last = max(0, int(speaking[0]) - 5), int(speaking[-1]) + 6
    return from_float(samples[first * FRAME : last * FRAME])
