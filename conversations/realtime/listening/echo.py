"""Is what the microphone hears the answer itself, coming back from an open speaker?

The microphone's sound is compared with what was played in the last second (the delay is unknown: the client buffers).
Both are whitened by the microphone's smoothed spectrum, so that the voices' common formants and pitch do not look
alike, and correlated over all delays (generalised cross-correlation, Knapp & Carter 1976). An echo stands out as one
sharp peak that explains most of the energy; a person who speaks over an echo explains it himself.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from inference.types import WIRE_RATE

MAX_DELAY = WIRE_RATE * 12 // 10
"""Samples from an answer's sample at the listener, as the server believes, to its echo."""
EARLY = WIRE_RATE // 10
"""The belief may be late by this much."""
MAX_REFERENCE = WIRE_RATE * 120
BAND_HZ = (200, 6_500)
SMOOTH_HZ = 150
ROOM = WIRE_RATE // 100
"""Samples around the peak that belong to it: the loudspeaker's and the room's first reflections."""
EXPLAINED = 0.25
"""Share of the whitened energy from which on it is an echo; see docs/adr/0062."""

Signal = npt.NDArray[np.float32]
Spectrum = npt.NDArray[np.float64]


class Segment(NamedTuple):
    start: int
    pcm: Signal

    @property
    def end(self) -> int:
        return self.start + len(self.pcm)


class EchoGuard:
    """The answer as the listener hears it, and the comparison. Positions are samples at `WIRE_RATE`."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []

    def played(self, pcm: bytes, start: int) -> None:
        """pcm: PCM16 mono, heard from ``start`` on; replaces what was to be heard from there."""
        kept = [Segment(s.start, s.pcm[: max(0, start - s.start)]) for s in self._segments if s.start < start]
        samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], np.int16).astype(np.float32)
        kept.append(Segment(start, samples))
        while len(kept) > 1 and kept[-1].end - kept[0].start > MAX_REFERENCE:
            kept.pop(0)
        self._segments = kept

    def possible(self, start: int, end: int) -> bool:
        """Whether an echo could be heard between the two positions. Forgets what lies too far back for any later."""
        while self._segments and self._segments[0].end < start - MAX_DELAY:
            self._segments.pop(0)
        return any(s.end > start - MAX_DELAY and s.start < end + EARLY for s in self._segments)

    def explains(self, pcm: bytes, start: int) -> bool:
        """Whether the answer explains the sound: PCM16 mono that the microphone heard from ``start`` on."""
        return self.explained(np.frombuffer(pcm, np.int16).astype(np.float32), start) >= EXPLAINED

    def explained(self, sound: Signal, start: int) -> float:
        """Share (0..1) of the sound's whitened energy that the answer at the best delay accounts for."""
        n = len(sound)
        reference = self._between(start - MAX_DELAY, start + n + EARLY)
        if not reference.any() or not sound.any():
            return 0.0
        size = _fft_size(len(reference) + n)
        heard = np.fft.rfft(sound * np.hanning(n), size)
        whitening = _whitening(np.abs(heard), size)
        heard = heard * whitening
        played = np.fft.rfft(reference, size) * whitening
        lags = len(reference) - n + 1
        correlation = np.fft.irfft(played * np.conj(heard), size)[:lags]
        white = np.fft.irfft(played, size)[: len(reference)]
        energy = np.concatenate([[0.0], np.cumsum(white**2)])
        segment = energy[n:] - energy[:-n]
        own = float(np.sum(np.fft.irfft(heard, size) ** 2))
        score = correlation**2 / (np.maximum(segment[:lags], 1e-3 * segment.max() + 1e-9) * own)
        return float(min(1.0, score.max()))

    def _between(self, start: int, end: int) -> Signal:
        out = np.zeros(end - start, np.float32)
        for segment in self._segments:
            first, last = max(segment.start, start), min(segment.end, end)
            if last > first:
                out[first - start : last - start] = segment.pcm[first - segment.start : last - segment.start]
        return out


def _whitening(magnitude: Spectrum, size: int) -> Spectrum:
    """A zero-phase filter that flattens the spectrum within the band and leaves out the rest."""
    hz = WIRE_RATE / size
    width = max(3, int(SMOOTH_HZ / hz) | 1)
    total = np.cumsum(np.concatenate([np.zeros(1), np.pad(magnitude, width // 2, mode="edge")]))
    smooth = (total[width:] - total[:-width]) / width
    flat: Spectrum = 1.0 / np.maximum(smooth, 1e-2 * smooth.max() + 1e-9)
    frequency = np.arange(len(magnitude)) * hz
    flat[(frequency < BAND_HZ[0]) | (frequency > BAND_HZ[1])] = 0.0
    return flat


def _fft_size(n: int) -> int:
    """The next length that a fast Fourier transform likes: 2^k, 3*2^k or 5*2^k."""
    return min(f << max(0, (-(-n // f) - 1).bit_length()) for f in (1, 3, 5))
