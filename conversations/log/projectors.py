"""Read models that are written in the append's own transaction register here; the log knows nothing of them."""

from collections.abc import Callable, Sequence

from conversations.log.keys import KeyRing
from conversations.log.types import RecordedEvent

Projector = Callable[[Sequence[RecordedEvent], KeyRing], None]
"""Called in the writer's transaction with the events of one append, in order; an exception refuses the append."""

_projectors: dict[str, Projector] = {}


def register(category: str, projector: Projector) -> None:
    """``category`` is what the names of the streams begin with, up to the first hyphen."""
    _projectors[category] = projector


def project(events: Sequence[RecordedEvent], ring: KeyRing) -> None:
    projector = _projectors.get(ring.stream.partition("-")[0])
    if projector is not None:
        projector(events, ring)
