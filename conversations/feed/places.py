"""How many streams at once: for each person, and in this process altogether."""

import contextlib
from collections import Counter
from collections.abc import Iterator


class NoPlace(Exception):
    """``everybody``: the process is full; otherwise this person has as many as one may have."""

    def __init__(self, *, everybody: bool) -> None:
        super().__init__(
            "This server has as many streams as it can serve: try again later."
            if everybody
            else "You have as many streams open as one person may: close one first."
        )
        self.everybody = everybody


class Places:
    """Counts for one process."""

    def __init__(self, *, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def taken_by(self, person_id: str) -> Iterator[None]:
        """A place until the end of the block. Raises `NoPlace`."""
        if self._taken.total() >= self._most:
            raise NoPlace(everybody=True)
        if self._taken[person_id] >= self._most_each:
            raise NoPlace(everybody=False)
        self._taken[person_id] += 1
        try:
            yield
        finally:
            self._taken[person_id] -= 1
            self._taken += Counter()  # Forgets whoever has none.
