"""Sessions' places on the machine. A place is held by an open request, so it is free whatever ends its holder."""

import asyncio
import uuid

from inference.errors import ServerFull
from inference.gate.terms import Granted, Refused, Waits
from inference.types import Queued


class Asked:
    """Somebody who wants a place, and what the gate has said to that; ``news`` is set whenever it says something."""

    def __init__(self, queue_places: int) -> None:
        self.id = f"lease_{uuid.uuid4().hex}"
        self.news = asyncio.Event()
        self.granted = False
        self.lost = False
        """The place has been taken back: its holder was silent."""
        self.queued: Queued | None = None
        self._refusal = ""
        self._queue_places = queue_places

    def told(self, action: Granted | Refused | Waits) -> None:
        if isinstance(action, Granted):
            self.granted, self.queued = True, None
        elif isinstance(action, Refused):
            self._refusal = action.reason
        else:
            self.queued = Queued(action.position, self._queue_places, action.expected_s)
        self.news.set()

    def lose(self) -> None:
        self.lost = True
        self.news.set()

    async def next_news(self, timeout_s: float, closing: asyncio.Event) -> None:
        """Returns at the gate's next word, after ``timeout_s``, or when the host closes.

        Raises `ServerFull` when the gate's word is no.
        """
        waits = [asyncio.create_task(event.wait()) for event in (self.news, closing)]
        try:
            await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self.news.clear()
        if self._refusal:
            raise ServerFull(self._refusal)
