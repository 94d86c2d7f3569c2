"""How near two voices are, from their embeddings (`inference.client.EngineClient.embed`). Imports nothing numeric."""

import math
from collections.abc import Sequence


def similarity(a: Sequence[float], b: Sequence[float]) -> float:
    """Cosine of the angle between two speaker embeddings: 1 is the same direction; raises ``ValueError`` on lengths."""
    length = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / length if length else 0.0
