"""A borrowed voice is taken back: it falls silent in mid-sentence, and another one goes on."""

import contextlib

import structlog

from conversations.events import VoiceStopped
from conversations.realtime import extras as ex
from conversations.realtime.answering import Answering
from conversations.realtime.borrowing import SELF, Borrowed
from conversations.realtime.hearing import Hearing
from conversations.realtime.live import Live
from conversations.realtime.protocol import server_events as ev
from inference.errors import EngineError

log = structlog.get_logger(__name__)
MESSAGE = "This voice may not be used any more. Another one goes on; choose which in the settings."


class TakingBack:
    """What follows for the session, all of it at once."""

    def __init__(self, live: Live, answering: Answering, hearing: Hearing) -> None:
        self._live = live
        self._answering = answering
        self._hearing = hearing

    def __call__(self, voice: Borrowed, reason: str, *, message: str = MESSAGE) -> None:
        log.info("voice_taken_back", session=self._live.session_id, reason=reason)
        self.silence(voice)
        self._hearing.context_changed()  # an answer that was begun early would be in that voice
        fact = VoiceStopped(session_id=self._live.session_id, voice=voice.id, reason=reason)
        self._live.outbox.emit(
            ev.error_event("voice_stopped", message),
            ev.SessionUpdated(session=self._live.effective),
            facts=(fact,),
        )
        self._live.extras.tell(lambda: ex.VoiceTaken(voice=voice.id, reason=reason, message=message))

    def silence(self, voice: Borrowed) -> None:
        """Nothing more is said in it; nobody is told."""
        voice.stop()
        self._answering.take_back(voice)
        if voice.id == SELF:
            self._live.start(self._forget(voice), "forget voice")

    async def _forget(self, voice: Borrowed) -> None:
        """Nobody else may use it; a profile's is forgotten by whoever ended the profile."""
        with contextlib.suppress(EngineError):
            await self._live.engines.forget_reference(voice.reference.id)
