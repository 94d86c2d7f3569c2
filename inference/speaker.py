"""How near two voices are, from their embeddings (`inference.client.EngineClient.embed`). Imports nothing numeric."""

import math
from collections.abc import Sequence

SAME_SPEAKER = 0.75
"""From this similarity on two recordings count as one person's (docs/adr/0111 has the figures).

It takes three seconds of speech or more on either side. Among voices of one sex and language one in eight passes for
another by chance, of the other sex hardly any; a clone passes. It keeps out mistakes and the first try at mischief,
and is no proof of who somebody is.
"""


def similarity(a: Sequence[float], b: Sequence[float]) -> float:
    """Cosine of the angle between two speaker embeddings: 1 is the same direction; raises ``ValueError`` on lengths."""
    length = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / length if length else 0.0
