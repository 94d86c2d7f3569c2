"""How loud a sound is along its length: what a waveform is drawn from, without the sound."""

import threading
from collections import OrderedDict

import msgspec
import numpy as np
import numpy.typing as npt

from conversations.log.errors import AudioDamaged, AudioMissing
from conversations.replay.line import Timeline, Who
from conversations.replay.sounds import RATE, Samples, Sounds

STEP_MS = 50
MOST_POINTS = 8000
"""Of a whole conversation; a longer one has coarser steps."""
REMEMBERED = 4096
"""Sounds whose loudness this process remembers, some hundred bytes each: decoding an hour of them takes seconds."""
_LOUDEST = 100

Loudness = npt.NDArray[np.uint8]
_known: OrderedDict[str, Loudness] = OrderedDict()
_lock = threading.Lock()


class Peaks(msgspec.Struct, frozen=True):
    """``lines``: one for each voice, 0 to 100, evenly over ``duration_ms``."""

    duration_ms: int
    lines: tuple[list[int], ...]


def of_sound(audio_id: str, sounds: Sounds, length_ms: int) -> Peaks:
    """Of the sound's first ``length_ms``."""
    return Peaks(length_ms, (_loudness_of(audio_id, sounds)[: -(-length_ms // STEP_MS)].tolist(),))


def of_conversation(heard: Timeline, sounds: Sounds) -> Peaks:
    """The user's line, then that of the answers."""
    step_ms = STEP_MS * max(1, -(-heard.duration_ms // (STEP_MS * MOST_POINTS)))
    return Peaks(heard.duration_ms, tuple(_line(heard, sounds, who, step_ms) for who in ("user", "reply")))


def _line(heard: Timeline, sounds: Sounds, who: Who, step_ms: int) -> list[int]:
    line = np.zeros(-(-heard.duration_ms // step_ms), np.uint8)
    for utterance in heard.utterances:
        if utterance.who != who or utterance.state != "kept":
            continue
        loud = _loudness_of(utterance.audio_id, sounds)
        for piece in utterance.pieces:
            part = loud[piece.from_ms // STEP_MS : -(-(piece.from_ms + piece.length_ms) // STEP_MS)]
            places = (piece.start_ms + np.arange(len(part)) * STEP_MS) // step_ms
            np.maximum.at(line, places.clip(0, len(line) - 1), part)
    return line.tolist()


def _loudness_of(audio_id: str, sounds: Sounds) -> Loudness:
    """Nothing for a sound that is gone, also when its loudness is remembered."""
    try:
        sounds.open(audio_id)
    except (AudioMissing, AudioDamaged):
        return np.zeros(0, np.uint8)
    with _lock:
        if audio_id in _known:
            _known.move_to_end(audio_id)
            return _known[audio_id]
    found = loudness(sounds.samples(audio_id))
    with _lock:
        _known[audio_id] = found
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)
    return found


def loudness(samples: Samples) -> Loudness:
    """The loudest sample of each `STEP_MS`, 0 to 100. samples: int16 mono at 24 kHz."""
    step = STEP_MS * RATE // 1000
    padded = np.zeros(-(-len(samples) // step) * step, np.int32)
    padded[: len(samples)] = np.abs(samples.astype(np.int32))
    loudest = padded.reshape(-1, step).max(axis=1, initial=0)
    found: Loudness = np.rint(loudest * (_LOUDEST / 32768)).astype(np.uint8)
    return found
