"""An acoustic fingerprint: a few bytes by which a recording is known again, cut out, re-encoded or in another level.

Thirty-two bits each 23 ms: how energy moves between neighbouring bands of 300 to 2000 Hz from one moment to the next.
Two fingerprints of one sound differ in few bits wherever they overlap, those of different sounds in half of them.
Source: Haitsma and Kalker, A Highly Robust Audio Fingerprinting System, ISMIR 2002; docs/adr/0113: why no Chromaprint.
"""

import base64
import binascii
import functools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from inference.audio.pcm import to_float
from inference.types import WIRE_RATE

Words = npt.NDArray[np.uint32]
"""One word of 32 bits each 23 ms; 0 where there is hardly any sound."""

SAME_SOUND = 0.72
"""From this score on it is the same sound (docs/adr/0113 has the figures)."""
LEAST_S = 1.0
"""Less of the same sound than this is never taken for a match."""

_FRAME = 8_928
"""Samples at WIRE_RATE: 0.372 s, so that a shift of half a hop changes few bits."""
_HOP = _FRAME // 16
_HOP_S = _HOP / WIRE_RATE
_BANDS = 33
_LOWEST_HZ, _HIGHEST_HZ = 300.0, 2000.0
_SILENT_DB = 45.0
"""So far below the loudest moment a frame counts as silence: its bits are noise."""
_SILENT_ENERGY = 1e-7
_LEAST_WORDS = round(LEAST_S / _HOP_S)
_AT_ONCE = 1_000_000
"""Words that are compared at a time (some 10 MB): all places of two long sounds together would take gigabytes."""


class Match(NamedTuple):
    """How well two sounds agree where they fit best."""

    score: float
    """Part of the bits that agree, 0.5 by chance, 1 for the same; 0 when too little overlaps."""
    overlap_s: float = 0.0
    """Length of the sound that was compared, its silences left out."""
    offset_s: float = 0.0
    """Where the second sound begins in the first one; negative when it begins before."""

    @property
    def same(self) -> bool:
        return self.score >= SAME_SOUND


NO_MATCH = Match(0.0)


def compute(pcm: bytes) -> str:
    """The fingerprint of PCM16 mono at WIRE_RATE, in base64: about 230 characters a second; empty below a second.

    Takes about 5 ms for a second of sound.
    """
    words = _words(pcm)
    return base64.b64encode(words.astype("<u4").tobytes()).decode() if len(words) >= _LEAST_WORDS else ""


def match(fingerprint: str, other: str) -> Match:
    """Compares two fingerprints at every offset; `NO_MATCH` when either is empty or no fingerprint."""
    a, b = _read(fingerprint), _read(other)
    if min(len(a), len(b)) < _LEAST_WORDS:
        return NO_MATCH
    if len(b) > len(a):
        swapped = _best(b, a)
        return swapped._replace(offset_s=-swapped.offset_s)
    return _best(a, b)


def _best(longer: Words, shorter: Words) -> Match:
    """The shorter one at every place of the longer, beyond its ends too as long as enough overlaps."""
    beyond = max(0, len(shorter) - _LEAST_WORDS)
    padded = np.pad(longer, beyond)
    places = np.lib.stride_tricks.sliding_window_view(padded, len(shorter))
    rows = max(1, _AT_ONCE // len(shorter))
    found = NO_MATCH
    for first in range(0, len(places), rows):
        here = _best_of(places[first : first + rows], shorter, first - beyond)
        if here.score > found.score:
            found = here
    return found


def _best_of(places: Words, shorter: Words, first: int) -> Match:
    """The best of some places; ``first``: by how many words the shorter one lies behind the longer at the first."""
    known = (places != 0) & (shorter != 0)
    count = known.sum(axis=1)
    wrong = (np.bitwise_count(places ^ shorter) * known).sum(axis=1, dtype=np.int64)
    score = np.where(count >= _LEAST_WORDS, 1 - wrong / np.maximum(count, 1) / 32, 0.0)
    best = int(np.argmax(score))
    if not score[best]:
        return NO_MATCH
    return Match(float(score[best]), int(count[best]) * _HOP_S, (first + best) * _HOP_S)


def _words(pcm: bytes) -> Words:
    audio = to_float(pcm)
    if len(audio) < _FRAME:
        return np.zeros(0, np.uint32)
    frames = np.lib.stride_tricks.sliding_window_view(audio, _FRAME)[::_HOP]
    energy = np.concatenate([_energies(frames[at : at + 64]) for at in range(0, len(frames), 64)])
    steps = np.diff(energy, axis=1)
    bits = np.diff(steps, axis=0) < 0
    loud = energy.sum(axis=1)[1:]
    silent = loud < max(_SILENT_ENERGY, float(loud.max(initial=0.0)) * 10 ** (-_SILENT_DB / 10))
    words: Words = np.packbits(bits, axis=1, bitorder="little").view("<u4").reshape(-1).astype(np.uint32)
    return np.where(silent, np.uint32(0), np.maximum(words, 1)).astype(np.uint32)


def _energies(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Energy in each band; (frames, samples) to (frames, 33)."""
    power = np.square(np.abs(np.fft.rfft(frames * _hann(), axis=1)))
    starts, end = _band_starts()
    sums: npt.NDArray[np.float32] = np.add.reduceat(power[:, :end], starts, axis=1).astype(np.float32)
    return sums


@functools.cache
def _hann() -> npt.NDArray[np.float32]:
    return np.hanning(_FRAME).astype(np.float32)


@functools.cache
def _band_starts() -> tuple[list[int], int]:
    """Where each band begins among a frame's frequencies, evenly on a logarithmic scale, and where the last ends."""
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1) * _FRAME / WIRE_RATE
    whole = [round(edge) for edge in edges.tolist()]
    return whole[:-1], whole[-1]


def _read(fingerprint: str) -> Words:
    try:
        return np.frombuffer(base64.b64decode(fingerprint, validate=True), "<u4")
    except (binascii.Error, ValueError):
        return np.zeros(0, np.uint32)
