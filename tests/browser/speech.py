"""Recorded speech for the browser's microphone, made with the embedded voice."""

import functools
import wave
from pathlib import Path

import numpy as np
import soxr
from hibari import Hibari

RATE = 48_000


@functools.cache
def _voice() -> Hibari:
    return Hibari()


def speech_file(path: Path, text: str, *, before_s: float = 2.0, after_s: float = 2.0) -> Path:
    """Writes ``text`` spoken, in silence, as PCM16 mono 48 kHz; returns ``path``."""
    spoken = soxr.resample(np.asarray(_voice()(text), dtype=np.float32), _voice().sample_rate, RATE)
    parts = [np.zeros(int(before_s * RATE)), spoken, np.zeros(int(after_s * RATE))]
    pcm = (np.clip(np.concatenate(parts), -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(pcm.tobytes())
    return path
