"""Sessions' places on the machine. A place is held by an open request, so it is free whatever ends its holder."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from inference.errors import ServerFull
from inference.host.changes import Changes


class Leases:
    """At most ``places`` at once; of one event loop."""

    def __init__(self, places: int, changes: Changes) -> None:
        self.places = places
        self._taken: set[str] = set()
        self._changes = changes

    @property
    def taken(self) -> int:
        return len(self._taken)

    @contextmanager
    def take(self) -> Iterator[str]:
        """A place for the block, by its id; raises `ServerFull` at once when there is none."""
        if len(self._taken) >= self.places:
            raise ServerFull(f"All {self.places} places are taken. Try again when a conversation has ended.")
        lease = f"lease_{uuid.uuid4().hex}"
        self._taken.add(lease)
        self._changes.notify()
        try:
            yield lease
        finally:
            self._taken.discard(lease)
            self._changes.notify()
