"""What the client sends: handed on in order, or told what is wrong with it."""

from collections.abc import Callable

from conversations.realtime import refusals
from conversations.realtime.dispatch import Dispatch
from conversations.realtime.limits import Bucket
from conversations.realtime.outbox import Outbox, Overflow
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.decode import decode
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.refusals import Ending

MAX_WAITING = 64
"""So many frames are kept until the session is open; more are not listened to."""


class Inbox:
    """``end`` ends a session whose client does not read what it is told."""

    def __init__(self, outbox: Outbox, rate: Bucket, end: Callable[[Ending], None]) -> None:
        self._outbox = outbox
        self._rate = rate
        self._end = end
        self._dispatch: Dispatch | None = None
        self._waiting: list[str | bytes] = []

    def open(self, dispatch: Dispatch) -> None:
        """From now on frames are handed on, first those that came before."""
        self._dispatch = dispatch
        waiting, self._waiting = self._waiting, []
        for frame in waiting:
            self.receive(frame)

    def close(self) -> None:
        """Nothing is handed on any more."""
        self._dispatch = None

    def receive(self, frame: str | bytes) -> None:
        """One frame; never waits. What is wrong with it is told to the client."""
        if self._dispatch is None:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append(frame)
            return
        event_id: str | None = None
        try:
            if not self._rate.take():
                raise ProtocolError("rate_limit_exceeded", "Too many events in a short time: this one was dropped.")
            event = decode(frame)
            event_id = event.event_id
            self._dispatch.handle(event)
        except ProtocolError as error:
            self._say_wrong(error, event_id)
        except Overflow:
            self._end(refusals.SLOW)

    def _say_wrong(self, error: ProtocolError, event_id: str | None) -> None:
        event = ev.error_event(
            error.code,
            error.message,
            kind=error.kind,
            param=error.param,
            client_event_id=error.event_id or event_id,
        )
        try:
            self._outbox.emit(event)
        except Overflow:
            self._end(refusals.SLOW)
