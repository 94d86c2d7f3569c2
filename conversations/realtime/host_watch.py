"""How the engine host is, and what it offers: known before it is needed, told when it changes."""

import asyncio

from conversations.events import ServiceChanged
from conversations.realtime import extras as ex
from conversations.realtime.config import Offer
from conversations.realtime.live import Live
from inference.errors import EngineError
from inference.speech.phrases import PhraseKey, phrase
from inference.types import HostStatus, ServiceLevel

STARTING_S = 1.0
"""How often the host is asked while something is loading, and how long an answer may take."""
READY_S = 5.0
REASON_LENGTH = 500
_PHRASES: dict[ServiceLevel, PhraseKey] = {
    "full": "service_full",
    "no_fine": "service_no_fine",
    "no_clones": "service_no_clones",
    "text_only": "service_text_only",
}


class HostWatch:
    """``default_voice`` is the operator's choice."""

    def __init__(self, live: Live, default_voice: str) -> None:
        self._live = live
        self._default_voice = default_voice
        self._last: HostStatus | None = None
        self._told: ServiceLevel = "full"
        self._greeted = False  # nothing is told before ``session.created``

    async def look(self) -> None:
        """Asks once; a host that does not answer in time leaves things as they are."""
        try:
            async with asyncio.timeout(STARTING_S):
                status = await self._live.engines.status()
        except (EngineError, TimeoutError):
            self._last = None
            return
        if status != self._last:
            self._last = status
            self._live.offer = Offer.of(status, self._default_voice)
            self._live.crowded = status.sessions > 1
            self._service(status)
            if self._greeted:
                self.tell()

    def tell(self) -> None:
        """Progress for a client that shows it."""
        status, self._greeted = self._last, True
        if status is None:
            return
        tell = self._live.extras.tell
        tell(lambda: ex.EngineProgress(ready=status.ready, engines=status.engines, voices=status.voices))
        if status.service != self._told:
            level, self._told = status.service, status.service
            message = phrase(_PHRASES[level], self._live.language)
            tell(lambda: ex.Service(level=level, reason=status.service_reason, message=message))

    def _service(self, status: HostStatus) -> None:
        """The machine has less memory for this session than before, or more again."""
        if status.service == self._live.service:
            return
        self._live.service = status.service
        fact = ServiceChanged(
            session_id=self._live.session_id, level=status.service, reason=status.service_reason[:REASON_LENGTH]
        )
        self._live.outbox.emit(facts=(fact,))

    @property
    def _settled(self) -> bool:
        """Nothing is loading that somebody may wait for."""
        status = self._last
        return status is not None and status.ready and not any(one.state == "loading" for one in status.engines)

    async def run(self) -> None:
        """A task of the session's."""
        while True:
            await asyncio.sleep(READY_S if self._settled else STARTING_S)
            await self.look()
