"""24 kHz to 16 kHz within a millisecond and a third, frame by frame.

A streaming resampler from a library holds back 21-42 ms here (docs/adr/0060), as much as the whole decision that
speech has stopped. This is a polyphase FIR (Kaiser, 60 dB, pass band 6.8 kHz) as one small matrix product a frame.
"""

import functools

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from inference.types import STT_RATE, WIRE_RATE

TAPS = 64
"""Input samples that one output sample is made from."""
UP, DOWN = 2, 3
CUTOFF_HZ = 7_400
KAISER_BETA = 5.65


@functools.cache
def _filters() -> npt.NDArray[np.float32]:
    """One column of taps for each of the two output phases: (`TAPS`, `UP`)."""
    if WIRE_RATE * UP != STT_RATE * DOWN:
        raise ValueError("The filter is made for 24 kHz to 16 kHz.")
    length = TAPS * UP
    n = np.arange(length) - (length - 1) / 2
    cutoff = CUTOFF_HZ / (WIRE_RATE * UP)
    taps = 2 * cutoff * np.sinc(2 * cutoff * n) * np.kaiser(length, KAISER_BETA) * UP
    columns = np.zeros((TAPS + 1, UP))
    # Output 2q+p is sample 6q+3p at 48 kHz: it sees the inputs up to 3q + 3p//2 through the filter's phase 3p % 2.
    for phase in range(UP):
        offset, sub = divmod(DOWN * phase, UP)
        for tap, value in enumerate(taps[sub::UP]):
            columns[TAPS - 1 - tap + offset, phase] = value
    return columns.astype(np.float32)


class Downsampler:
    """Streaming 24 kHz -> 16 kHz, float32. Frames must be whole multiples of three samples."""

    def __init__(self) -> None:
        self._history = np.zeros(TAPS - 1, np.float32)

    def feed(self, frame: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """frame: float32, mono, `WIRE_RATE`, shape (3n,); returns float32, `STT_RATE`, shape (2n,)."""
        if len(frame) % DOWN:
            raise ValueError(f"A frame of {len(frame)} samples is no multiple of {DOWN}.")
        samples = np.concatenate([self._history, frame])
        self._history = samples[-(TAPS - 1) :]
        windows = sliding_window_view(samples, TAPS + 1)[: len(frame) : DOWN]
        return (windows @ _filters()).reshape(-1).astype(np.float32)
