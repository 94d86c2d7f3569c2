"""Any audio file to PCM16 mono, in memory, in a child process that hostile input cannot leave (docs/adr/0040)."""

import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from inference.errors import AudioRefused, EngineUnavailable

_CHILD = Path(__file__).with_name("decode_child.py")
_REFUSED = 3
_BYTES_PER_SAMPLE = 2
_START_S = 5.0
"""What starting the child may take on a busy machine, beside the decoding itself."""


class DecodeLimits(msgspec.Struct, frozen=True):
    """Bounds of one decode; beyond any of them the file is refused."""

    max_bytes: int = 25 * 1024 * 1024
    max_seconds: float = 1800.0
    """Of sound. It is refused as soon as the header or the samples counted so far say that there is more."""
    max_channels: int = 24
    min_rate: int = 4_000
    max_rate: int = 768_000
    max_wall_s: float = 30.0
    max_memory_bytes: int = 768 * 1024 * 1024
    """Address space of the decoding process."""


DEFAULT_LIMITS = DecodeLimits()


class Decoded(msgspec.Struct, frozen=True):
    """``pcm``: PCM16 little endian mono at the rate asked for."""

    pcm: bytes
    duration_s: float


class _ChildRequest(msgspec.Struct, frozen=True):
    rate: int
    limits: DecodeLimits


class _Verdict(msgspec.Struct, frozen=True):
    """What the child says of a file that it does not take."""

    refused: str
    why: str
    values: dict[str, str | int] = {}


def decode(data: bytes | BinaryIO, *, rate: int, limits: DecodeLimits = DEFAULT_LIMITS) -> Decoded:
    """Decodes WebM, Ogg, MP4, MP3, FLAC, WAV, AIFF, CAF, AMR or bare AAC; what it is, is read from the bytes.

    Blocks for about 0.1 s and the decoding (10 s of sound take 20 ms). Raises `AudioRefused` for what is no audio, is
    damaged, is cut short (where its header says how long it should be), or is beyond ``limits``.
    """
    content = data if isinstance(data, bytes) else _read(data, limits.max_bytes)
    if len(content) > limits.max_bytes:
        most = limits.max_bytes // 1024**2
        raise AudioRefused(f"The file is larger than {most} MB.", why="too_large", most=most)
    if not content:
        raise AudioRefused("The file is empty.", why="empty")
    request = msgspec.json.encode(_ChildRequest(rate=rate, limits=limits)).decode()
    try:
        # An empty environment: nothing of ours is in the child's reach. -I: nor is the working directory.
        child = subprocess.run(  # noqa: S603 - our own interpreter and file, no shell
            [sys.executable, "-I", str(_CHILD), request],
            input=content,
            capture_output=True,
            timeout=limits.max_wall_s + _START_S,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        most_s = round(limits.max_wall_s)
        raise AudioRefused(f"The file could not be decoded within {most_s} s.", why="too_slow", most=most_s) from None
    except OSError as error:
        raise EngineUnavailable(f"The decoder could not be started: {error.strerror}.") from error
    if child.returncode == _REFUSED:
        raise _refused(child.stderr)
    if child.returncode != 0:
        # Killed by one of its own limits, or by what the file did to the decoder: the file's doing either way.
        message = "The file cannot be decoded: it is damaged, or it needs more than decoding may take."
        raise AudioRefused(message, why="too_much")
    return Decoded(pcm=child.stdout, duration_s=len(child.stdout) / _BYTES_PER_SAMPLE / rate)


def _read(stream: BinaryIO, max_bytes: int) -> bytes:
    """One byte beyond the bound at most, so that too large a file is seen without being taken in."""
    return stream.read(max_bytes + 1)


def _refused(stderr: bytes) -> AudioRefused:
    """The child's last line is its verdict; libraries may have written before it."""
    try:
        verdict = msgspec.json.decode(stderr.splitlines()[-1], type=_Verdict)
    except (msgspec.DecodeError, IndexError):
        return AudioRefused("The file cannot be decoded.", why="damaged")
    return AudioRefused(verdict.refused, why=verdict.why, **verdict.values)
