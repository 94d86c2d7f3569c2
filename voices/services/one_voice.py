"""Whether a sample is one person's from its beginning to its end.

One embedding of two voices lies between both: somebody could consent to a sample that goes on in another's voice, in
which an engine would then speak (docs/adr/0111 has the figures).
"""

from inference.speaker import similarity
from inference.types import WIRE_RATE

HALVES_ALIKE = 0.65
"""Halves of one person's recording come to 0.77 at least, strangers of one sex to 0.64 in the median."""
LIKE_A_HALF = 0.6
"""What a reading needs with each half, which is shorter than the whole that `SAME_SPEAKER` is for."""
_LEAST_HALF_S = 3.0
"""Of shorter pieces the measure is unsure of one and the same person."""


def halves(pcm: bytes) -> tuple[bytes, ...]:
    """Both halves of PCM16 mono at `WIRE_RATE`; none of what is too short to be compared in halves."""
    middle = len(pcm) // 4 * 2
    return (pcm[:middle], pcm[middle:]) if middle >= _LEAST_HALF_S * WIRE_RATE * 2 else ()


def alike(embeddings: tuple[tuple[float, ...], ...]) -> bool:
    """Whether the halves' embeddings may be one person's. An empty one is of a half with hardly any speech."""
    if len(embeddings) < 2:
        return True
    first, second = embeddings
    return bool(first and second) and similarity(first, second) >= HALVES_ALIKE
