"""Writing beside the living: short transactions, with room between them for those who append."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from conversations.log import store

_LONGEST_PAUSE_S = 0.2


@contextmanager
def short_write(*, share: float = 0.75) -> Iterator[None]:
    """`with_room`, in which nothing is appended by anybody: for maintenance that goes through everything."""
    with with_room(share=share):
        store.serialise()
        yield


@contextmanager
def with_room(*, share: float = 0.75) -> Iterator[None]:
    """A transaction, and a rest after it, so that of all time it holds the database for ``share`` at most.

    The living wait in line for one such transaction, and never find the database taken all the time.
    """
    begun = time.perf_counter()
    with transaction.atomic():
        yield
    held_s = time.perf_counter() - begun
    time.sleep(min(_LONGEST_PAUSE_S, held_s * (1 - share) / share))
