"""Is what the microphone hears the answer itself, coming back from an open speaker?

When speech over an answer is suspected, and only then, the last second of the microphone is explained by what was
played: the delay by generalised cross-correlation (Knapp & Carter 1976; unknown, as the client buffers), then the path
from loudspeaker to microphone as the finite impulse response that fits best (least squares, solved by conjugate
gradients on the Toeplitz equations). The share of the suspected sound's energy that this path accounts for tells an
echo (0.9) from a person (0.1) whatever the loudness; a person who speaks over an echo explains it himself. Compared at
8 kHz with pre-emphasis: below 4 kHz is where loudspeakers, rooms and voices agree. Measured in docs/adr/0062.
"""

import functools
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from inference.types import WIRE_RATE

RATE = 8_000
STEP = WIRE_RATE // RATE
MAX_DELAY_MS = 1_200
"""From the moment at which the server believes that the listener hears the answer, to its echo."""
EARLY_MS = 100
"""The belief may be late by this much."""
CONTEXT_MS = 1_000
"""Microphone audio before the suspected sound that helps to find the path."""
MAX_REFERENCE_MS = 120_000
TAPS = 192
"""Length of the path after its delay: 24 ms, the loudspeaker and the room's first reflections."""
LEAD = 24
"""Samples by which the path may begin before the strongest delay."""
ITERATIONS = 24
CANDIDATES = 3
"""Delays tried: the strongest is not always the right one on the first 150 ms of an echo."""
PRE_EMPHASIS = 0.9
SMOOTH_HZ = 100
ECHO, SPEECH = 0.6, 0.35
"""Shares of explained energy: from the one on it is an echo, up to the other it is somebody."""
MIDDLE = 0.5
REVERBERATION = 0.5
"""So much of a known echo's power may be left over: the room's late reflections and noise, no speech beside it."""

Signal = npt.NDArray[np.float64]
Spectrum = npt.NDArray[np.complex128]


class Verdict(Enum):
    ECHO = "echo"
    SPEECH = "speech"
    UNSURE = "unsure"


class Match(NamedTuple):
    """What the best path from loudspeaker to microphone accounts for; shares of energy are about 0..1."""

    explained: float
    """Of the suspected sound; below 0 for a path that makes it worse."""
    before: float
    """Of what was heard just before it."""
    unexplained: float
    """Power of the suspected sound that is left over, in units of the echo's power before it."""


NOTHING_ALIKE = Match(explained=-1.0, before=0.0, unexplained=float("inf"))


class Segment(NamedTuple):
    start: int
    pcm: npt.NDArray[np.int16]

    @property
    def end(self) -> int:
        return self.start + len(self.pcm)


class EchoGuard:
    """The answer as the listener hears it, and the comparison. Positions are samples at `WIRE_RATE`."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []

    def played(self, pcm: bytes, start: int) -> None:
        """pcm: PCM16 mono, heard from ``start`` on; replaces what was to be heard from there (``b""``: nothing)."""
        kept = [Segment(s.start, s.pcm[: max(0, start - s.start)]) for s in self._segments if s.start < start]
        if len(pcm) > 1:
            kept.append(Segment(start, np.frombuffer(pcm[: len(pcm) // 2 * 2], np.int16)))
        while len(kept) > 1 and kept[-1].end - kept[0].start > _samples(MAX_REFERENCE_MS):
            kept.pop(0)
        self._segments = kept

    def possible(self, start: int, end: int) -> bool:
        """Whether an echo could be heard between the two positions."""
        return any(
            s.end > start - _samples(MAX_DELAY_MS) and s.start < end + _samples(EARLY_MS) for s in self._segments
        )

    def forget(self, before: int) -> None:
        """No sound that begins before this position will be compared any more."""
        horizon = before - _samples(MAX_DELAY_MS + CONTEXT_MS)
        while self._segments and self._segments[0].end < horizon:
            self._segments.pop(0)

    def judge(self, pcm: bytes, start: int, onset: int, *, decisive: bool) -> Verdict:
        """Whose sound is it from ``onset`` on? pcm: PCM16 mono heard from ``start`` on, context included.

        Not unsure when ``decisive``.
        """
        match = self.compare(pcm, start, onset)
        if match.explained >= ECHO or (match.before >= ECHO and match.unexplained <= REVERBERATION):
            return Verdict.ECHO
        if decisive:
            return Verdict.ECHO if match.explained >= MIDDLE else Verdict.SPEECH
        return Verdict.SPEECH if match.explained <= SPEECH else Verdict.UNSURE

    def compare(self, pcm: bytes, start: int, onset: int) -> Match:
        """How well the answer accounts for the sound; arguments as for `judge`."""
        microphone = _prepared(np.frombuffer(pcm, np.int16))
        first = start - _samples(MAX_DELAY_MS)
        reference = _prepared(self._between(first, start + len(pcm) // 2 + _samples(EARLY_MS)))
        since = max(0, onset - start) // STEP
        if not reference.any() or not microphone[since:].any():
            return NOTHING_ALIKE
        best = NOTHING_ALIKE
        for echo in _echoes(microphone, reference):
            match = _match(microphone, echo, since)
            if match.explained > best.explained:
                best = match
            if best.explained >= ECHO:
                break
        return best

    def _between(self, start: int, end: int) -> npt.NDArray[np.int16]:
        out = np.zeros(end - start, np.int16)
        for segment in self._segments:
            first, last = max(segment.start, start), min(segment.end, end)
            if last > first:
                out[first - start : last - start] = segment.pcm[first - segment.start : last - segment.start]
        return out


def _match(microphone: Signal, echo: Signal, since: int) -> Match:
    rest = microphone - echo
    heard_before = float(np.sum(microphone[:since] ** 2))
    echo_power = float(np.mean(echo[:since] ** 2)) if since else 0.0
    return Match(
        explained=1.0 - float(np.sum(rest[since:] ** 2) / np.sum(microphone[since:] ** 2)),
        before=1.0 - float(np.sum(rest[:since] ** 2)) / heard_before if heard_before else 0.0,
        unexplained=float(np.mean(rest[since:] ** 2)) / echo_power if echo_power else float("inf"),
    )


def _samples(ms: int) -> int:
    return ms * WIRE_RATE // 1000


@functools.cache
def _low_pass() -> Signal:
    taps, cutoff = 63, 3_600 / WIRE_RATE
    n = np.arange(taps) - (taps - 1) / 2
    filtered: Signal = 2 * cutoff * np.sinc(2 * cutoff * n) * np.kaiser(taps, 5)
    return filtered


def _prepared(pcm: npt.NDArray[np.int16]) -> Signal:
    """`WIRE_RATE` to `RATE`, with pre-emphasis."""
    taps = _low_pass()
    samples = np.concatenate([np.zeros(len(taps) - 1), pcm.astype(np.float64)])
    low = sliding_window_view(samples, len(taps))[::STEP] @ taps
    low[1:] -= PRE_EMPHASIS * low[:-1]
    return low


def _echoes(microphone: Signal, reference: Signal) -> Iterator[Signal]:
    """What the reference accounts for of the microphone's sound over the best paths; each of the microphone's shape.

    The reference begins `MAX_DELAY_MS` before the microphone's sound and is longer than it.
    """
    n = len(microphone)
    size = _fft_size(n + max(len(reference), n + 2 * TAPS))
    heard = np.fft.rfft(microphone, size)
    padded = np.concatenate([np.zeros(TAPS - 1), reference])
    for lag in _delays(heard, np.fft.rfft(reference, size), size, len(reference) - n + 1):
        newest = min(lag + LEAD, len(reference) - n)
        # Tap j of the path hears stretch[TAPS-1-j:]: the reference `newest` samples in, j samples earlier.
        stretch = padded[newest : newest + n + TAPS - 1]
        played = np.fft.rfft(stretch, size)
        auto = np.fft.irfft(np.abs(played) ** 2, size)[:TAPS]
        cross = np.fft.irfft(played * np.conj(heard), size)[:TAPS][::-1]
        path = _solve_toeplitz(auto, cross)
        yield np.fft.irfft(played * np.fft.rfft(path, size), size)[TAPS - 1 : TAPS - 1 + n]


def _delays(heard: Spectrum, played: Spectrum, size: int, lags: int) -> Iterator[int]:
    """The lags at which the two, whitened by the microphone's smoothed spectrum, are most alike; the best first."""
    magnitude = np.abs(heard)
    width = max(3, int(SMOOTH_HZ * size / RATE) | 1)
    total = np.cumsum(np.concatenate([np.zeros(1), np.pad(magnitude, width // 2, mode="edge")]))
    smooth = (total[width:] - total[:-width]) / width
    flat = np.maximum(smooth, 0.03 * smooth.max()) ** -2
    alike = np.abs(np.fft.irfft(played * np.conj(heard) * flat, size)[:lags])
    for _ in range(CANDIDATES):
        lag = int(np.argmax(alike))
        yield lag
        alike[max(0, lag - LEAD) : lag + LEAD] = 0.0


def _solve_toeplitz(auto: Signal, right: Signal) -> Signal:
    """x of A x = right, A symmetric Toeplitz with first column ``auto``; a few steps regularise by themselves.

    Conjugate gradients with Fourier products: no BLAS, whose threads would wake up in the event loop's process.
    """
    n = len(auto)
    auto = auto.copy()
    auto[0] = auto[0] * 1.001 + 1.0
    spectrum = np.fft.rfft(np.concatenate([auto, [0.0], auto[:0:-1]]))
    x = np.zeros(n)
    residual = right.copy()
    direction = residual.copy()
    power = float(np.sum(residual**2))
    stop = power * 1e-8
    for _ in range(ITERATIONS):
        if power <= stop:
            break
        product = np.fft.irfft(spectrum * np.fft.rfft(direction, 2 * n), 2 * n)[:n]
        step = power / float(np.sum(direction * product))
        x += step * direction
        residual -= step * product
        power, before = float(np.sum(residual**2)), power
        direction = residual + (power / before) * direction
    return x


def _fft_size(n: int) -> int:
    """The next length that a fast Fourier transform likes: 2^k, 3*2^k or 5*2^k."""
    return min(f << max(0, (-(-n // f) - 1).bit_length()) for f in (1, 3, 5))
