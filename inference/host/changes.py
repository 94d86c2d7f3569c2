"""Tells whoever watches the host's state that it changed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Changes:
    """Watchers of one event loop; a watcher that is slow sees several changes as one."""

    def __init__(self) -> None:
        self._watchers: set[asyncio.Event] = set()

    def notify(self) -> None:
        for watcher in self._watchers:
            watcher.set()

    @contextmanager
    def watch(self) -> Iterator[asyncio.Event]:
        """An event that is set at every change; the watcher clears it."""
        event = asyncio.Event()
        self._watchers.add(event)
        try:
            yield event
        finally:
            self._watchers.discard(event)
