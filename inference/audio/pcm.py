"""Between PCM16 bytes and the float32 that engines compute with."""

import numpy as np
import numpy.typing as npt

_FULL_SCALE = 32768.0


def to_float(pcm: bytes) -> npt.NDArray[np.float32]:
    """PCM16 little endian mono to float32 in [-1, 1), shape (n,); an odd last byte is dropped."""
    return np.frombuffer(pcm, dtype="<i2", count=len(pcm) // 2).astype(np.float32) / np.float32(_FULL_SCALE)


def from_float(audio: npt.NDArray[np.float32]) -> bytes:
    """float32 mono to PCM16 little endian; what is beyond full scale is clipped."""
    scaled: npt.NDArray[np.int16] = np.rint(audio * np.float32(_FULL_SCALE)).clip(-32768, 32767).astype("<i2")
    return scaled.tobytes()
