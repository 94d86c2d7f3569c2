"""Streaming change of the sample rate, with the delay of its filter only (docs/adr/0041)."""

import functools
import math

import numpy as np
import numpy.typing as npt

_TRANSITION = 0.12
"""Width of the filter's slope, as a part of the lower rate; its middle is at 0.47 of that rate."""
_MIDDLE = 0.47
_KAISER_BETA = 6.2  # stop band 65 dB down: below the noise of a 16-bit recording of a room
_ATTENUATION_DB = 65.0


class Resampler:
    """PCM16 mono at ``src`` Hz to PCM16 mono at ``dst`` Hz, piece by piece; any piece size, whole samples or not.

    What comes out lags about 1 ms behind what went in (24 kHz to 16 kHz) and is in time with it: the n-th sample out is
    the sound at n / ``dst`` s. Not for use from several threads at once.
    """

    def __init__(self, src: int, dst: int) -> None:
        if src <= 0 or dst <= 0:
            raise ValueError("sample rates are positive")
        common = math.gcd(src, dst)
        self.src, self.dst = src, dst
        self._up, self._down = dst // common, src // common
        if src != dst:
            self._taps = _phases(self._up, self._down)
        self.reset()

    def reset(self) -> None:
        """Forgets the past, as for a new stream."""
        self._odd = b""
        self._fed = self._given = 0
        # Half a filter of silence before the first sample puts the output in time with the input.
        half = 0 if self.src == self.dst else (self._taps.shape[0] - self._down) // 2
        self._half = half
        self._buffer: npt.NDArray[np.float32] = np.zeros(half, dtype=np.float32)

    def feed(self, pcm: bytes, last: bool = False) -> bytes:
        """Takes any number of bytes; with ``last`` gives the rest too, to len * dst / src, and starts anew."""
        data = self._odd + pcm if self._odd else pcm
        self._odd = data[len(data) & ~1 :]
        data = data[: len(data) & ~1]
        if self.src == self.dst:
            if last:
                self.reset()
            return data
        self._fed += len(data) // 2
        pieces = [self._buffer, np.frombuffer(data, dtype="<i2").astype(np.float32)]
        wanted = -(-self._fed * self._up // self._down) - self._given
        if last:
            pieces.append(np.zeros(self._taps.shape[0] + self._down, dtype=np.float32))
        out = self._run(np.concatenate(pieces))
        if last:
            out = out[:wanted]
            self.reset()
        else:
            self._given += len(out)
        return out.tobytes()

    def _run(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
        """All blocks of ``down`` samples whose filter is covered; keeps the rest."""
        width = self._taps.shape[0]
        blocks = (len(samples) - width) // self._down + 1
        if blocks <= 0:
            self._buffer = samples
            return np.zeros(0, dtype=np.int16)
        windows = np.lib.stride_tricks.sliding_window_view(samples, width)[:: self._down]
        out: npt.NDArray[np.int16] = np.rint(windows[:blocks] @ self._taps).clip(-32768, 32767).astype("<i2")
        self._buffer = samples[blocks * self._down :]
        return out.reshape(-1)


def resample(pcm: bytes, src: int, dst: int) -> bytes:
    """A whole piece of PCM16 mono at once."""
    return Resampler(src, dst).feed(pcm, last=True)


@functools.cache
def _phases(up: int, down: int) -> npt.NDArray[np.float32]:
    """Kaiser-windowed sinc, split into the ``up`` filters of a polyphase resampler; shape (samples, up).

    Column p gives the p-th output of a block of ``down`` input samples (Crochiere & Rabiner 1983, ch. 2).
    """
    fine = max(up, down)  # the lower rate, in units of 1 / up of the input's sample
    length = int((_ATTENUATION_DB - 8) / (2.285 * 2 * math.pi * _TRANSITION / fine)) | 1
    half_in = -(-(length // 2) // up)  # input samples on either side
    width = 2 * half_in + down
    time = np.arange(width)[:, None] * up - half_in * up - np.arange(up)[None, :] * down
    centre = length // 2
    window = np.where(np.abs(time) <= centre, np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (time / centre) ** 2, 0, 1))), 0)
    cutoff = 2 * _MIDDLE / fine
    taps = cutoff * np.sinc(cutoff * time) * window / np.i0(_KAISER_BETA)
    # Each phase passes a constant unchanged: no hum at the block rate.
    return np.asarray(taps / taps.sum(axis=0, keepdims=True), dtype=np.float32)
