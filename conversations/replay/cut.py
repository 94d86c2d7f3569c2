"""An answer as far as it was heard, out of the sound that holds all that was sent."""

from collections.abc import Iterator
from dataclasses import dataclass

from conversations.log.audio import StoredAudio
from inference.audio.ogg import cut_opus


@dataclass(frozen=True, slots=True)
class CutSound:
    """A file in memory: one answer at most, about 3 kB a second."""

    data: bytes

    @property
    def length(self) -> int:
        return len(self.data)

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        if piece := self.data[start:stop]:
            yield piece


def as_heard(stored: StoredAudio, heard_ms: int) -> CutSound:
    """Empty when nothing was heard. Raises `AudioDamaged`, `inference.errors.AudioRefused`."""
    return CutSound(cut_opus(stored.read(), heard_ms))
