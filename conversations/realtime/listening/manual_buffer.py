"""Push-to-talk: sound collects until the client commits it, within bounds."""

from inference.types import WIRE_RATE

MAX_APPENDS = 1000
MAX_SECONDS = 60
MAX_BYTES = 10 * 1024 * 1024
MIN_MS = 100
"""Less than this holds no word."""


class BufferTooLarge(Exception):
    """A bound was passed; the buffer has been emptied and may be filled anew."""


class NothingToCommit(Exception):
    """There is no sound, or too little of it."""


class ManualBuffer:
    """PCM16 mono at `WIRE_RATE` that the client has not committed yet."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._appends = 0

    @property
    def duration_ms(self) -> int:
        return len(self._pcm) * 1000 // (2 * WIRE_RATE)

    def append(self, pcm: bytes) -> None:
        """Raises `BufferTooLarge`, with the buffer emptied, when a bound is passed."""
        size = len(self._pcm) + len(pcm)
        limits = (
            (size > MAX_BYTES, f"{MAX_BYTES // 1024 // 1024} MB"),
            (size > MAX_SECONDS * 2 * WIRE_RATE, f"{MAX_SECONDS} s of sound"),
            (self._appends + 1 > MAX_APPENDS, f"{MAX_APPENDS} appends"),
        )
        for passed, bound in limits:
            if passed:
                self.clear()
                raise BufferTooLarge(
                    f"More than {bound} without a commit: the buffer was emptied. Please say it again."
                )
        self._pcm += pcm
        self._appends += 1

    def commit(self) -> bytes:
        """Gives the sound, in whole samples, and is empty afterwards; raises `NothingToCommit` and keeps it."""
        if self.duration_ms < MIN_MS:
            raise NothingToCommit(f"There are {self.duration_ms} ms of sound; a turn has {MIN_MS} ms or more.")
        pcm = bytes(self._pcm[: len(self._pcm) // 2 * 2])
        self.clear()
        return pcm

    def clear(self) -> None:
        self._pcm = bytearray()
        self._appends = 0
