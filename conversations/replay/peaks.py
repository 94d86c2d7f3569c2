"""How loud a sound is along its length: what a waveform is drawn from, without the sound."""

import msgspec
import numpy as np

from conversations.replay.line import Timeline, Who
from conversations.replay.sounds import RATE, Samples, Sounds

STEP_MS = 50
MOST_POINTS = 8000
"""Of a whole conversation; a longer one has coarser steps."""
_LOUDEST = 100


class Peaks(msgspec.Struct, frozen=True):
    """``lines``: one for each voice, 0 to 100, evenly over ``duration_ms``."""

    duration_ms: int
    lines: tuple[list[int], ...]


def of_sound(samples: Samples, heard_ms: int | None = None) -> Peaks:
    """samples: int16 mono at 24 kHz; of their first ``heard_ms``, or of all."""
    if heard_ms is not None:
        samples = samples[: _at(heard_ms)]
    return Peaks(len(samples) * 1000 // RATE, (_loudest(samples).tolist(),))


def of_conversation(heard: Timeline, sounds: Sounds) -> Peaks:
    """The user's line, then that of the answers."""
    step_ms = STEP_MS * max(1, -(-heard.duration_ms // (STEP_MS * MOST_POINTS)))
    return Peaks(heard.duration_ms, tuple(_line(heard, sounds, who, step_ms) for who in ("user", "reply")))


def _line(heard: Timeline, sounds: Sounds, who: Who, step_ms: int) -> list[int]:
    line = np.zeros(-(-heard.duration_ms // step_ms), np.int64)
    for utterance in heard.utterances:
        if utterance.who != who or utterance.state != "kept":
            continue
        for piece in utterance.pieces:
            part = sounds.samples(utterance.audio_id)[_at(piece.from_ms) : _at(piece.from_ms + piece.length_ms)]
            loud = _loudest(part)
            places = (piece.start_ms + np.arange(len(loud)) * STEP_MS) // step_ms
            np.maximum.at(line, places.clip(0, len(line) - 1), loud)
    return line.tolist()


def _loudest(samples: Samples) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The loudest sample of each `STEP_MS`."""
    step = _at(STEP_MS)
    padded = np.zeros(-(-len(samples) // step) * step, np.int64)
    padded[: len(samples)] = np.abs(samples.astype(np.int64))
    loudest: np.ndarray[tuple[int], np.dtype[np.int64]] = padded.reshape(-1, step).max(axis=1, initial=0)
    return (loudest * _LOUDEST + 16384) // 32768


def _at(ms: int) -> int:
    return ms * RATE // 1000
