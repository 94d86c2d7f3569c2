"""The input buffer when the client says what a turn is (push-to-talk: `turn_detection` null)."""

from inference.types import WIRE_RATE

MAX_BYTES = 10 * 1024 * 1024
MAX_APPENDS = 1_000
MAX_MS = 60_000
MIN_MS = 100
"""Less than this cannot be committed, as in OpenAI's API."""
BYTES_PER_MS = WIRE_RATE * 2 // 1000


class BufferTooLarge(Exception):
    """A bound was passed; the buffer is empty again and takes the next sound. ``message`` is for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NothingToCommit(Exception):
    """The buffer holds too little; it is left as it is. ``message`` is for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ManualBuffer:
    """PCM16 mono at `WIRE_RATE`, at most `MAX_BYTES`, `MAX_APPENDS` and `MAX_MS` between two commits."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._appends = 0

    @property
    def duration_ms(self) -> int:
        return len(self._pcm) // BYTES_PER_MS

    def append(self, pcm: bytes) -> None:
        """Takes any number of bytes. Raises `BufferTooLarge` after clearing the buffer, what was given included."""
        size, appends = len(self._pcm) + len(pcm), self._appends + 1
        if size > MAX_BYTES:
            passed = f"more than {MAX_BYTES // 1024 // 1024} MB"
        elif size > MAX_MS * BYTES_PER_MS:
            passed = f"more than {MAX_MS // 1000} s of audio"
        elif appends > MAX_APPENDS:
            passed = f"more than {MAX_APPENDS} appends"
        else:
            self._pcm += pcm
            self._appends = appends
            return
        self.clear()
        raise BufferTooLarge(
            f"The input audio buffer took {passed} without a commit. It has been cleared: commit more often and try"
            " again."
        )

    def commit(self) -> bytes:
        """The buffer's sound, which leaves it. Raises `NothingToCommit` below `MIN_MS`."""
        if self.duration_ms < MIN_MS:
            raise NothingToCommit(
                f"The input audio buffer holds {self.duration_ms} ms of audio, and at least {MIN_MS} ms are needed to"
                " commit it. Append audio first."
            )
        pcm = bytes(self._pcm[: len(self._pcm) // 2 * 2])
        self.clear()
        return pcm

    def clear(self) -> None:
        self._pcm.clear()
        self._appends = 0
