"""A stretch of microphone audio kept by absolute position, so that an utterance can begin before it was noticed."""


class Track:
    """PCM16 mono samples from ``start`` up to ``end``, counted since the session began. The owner trims it."""

    def __init__(self) -> None:
        self.start = 0
        self._pcm = bytearray()

    @property
    def end(self) -> int:
        return self.start + len(self._pcm) // 2

    def append(self, pcm: bytes | memoryview) -> None:
        self._pcm += pcm

    def slice(self, start: int, end: int) -> bytes:
        """The samples of start..end that are still kept."""
        start, end = max(start, self.start), min(end, self.end)
        return bytes(self._pcm[(start - self.start) * 2 : (end - self.start) * 2]) if end > start else b""

    def trim(self, start: int) -> None:
        """Forgets what lies before ``start``."""
        gone = min(max(start - self.start, 0), self.end - self.start)
        if gone:
            del self._pcm[: gone * 2]
            self.start += gone
