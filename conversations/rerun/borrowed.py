"""A voice profile in a re-run: asked for before every answer, and given back in mid-sentence when it is taken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import structlog
from django.utils.translation import gettext_lazy as _

from conversations.errors import Invalid
from conversations.lending import Profiles
from conversations.log.errors import LogError
from conversations.realtime.borrowing import Borrowed, Lender, NotLent
from conversations.realtime.speaking import Origin

DOOR = "rerun"
log = structlog.get_logger(__name__)


class BorrowedVoice:
    """The fork is its owner's, so the owner has to be allowed the voice; and so has the person who asked for the run.

    ``actor_id`` is empty for the operator's command.
    """

    def __init__(self, voice_id: str, *, owner_id: str, actor_id: str, lender: Lender | None = None) -> None:
        self._voice_id = voice_id
        self._people = {owner_id, actor_id or owner_id}
        self._owner_id = owner_id
        self._lender = lender or Profiles(DOOR)

    async def check(self) -> None:
        """Raises `Invalid` when it is not lent."""
        try:
            await self._lend()
        except NotLent:
            raise Invalid(_("This voice is not there for this conversation.")) from None

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Borrowed | None]:
        """The voice for the block; None when it is not lent any more: the host's own speaks then."""
        try:
            voice = await self._lend()
        except NotLent:
            yield None
            return
        watching = [asyncio.create_task(self._watch(one, voice), name="borrowed voice") for one in self._people]
        try:
            yield voice
        finally:
            for task in watching:
                task.cancel()
            await asyncio.wait(watching)

    def origin(self, conversation_id: str, group: asyncio.TaskGroup) -> Origin:
        """Where its sentences are recorded; their ends are tasks of the group."""
        return Origin(
            self._lender,
            speaker_id=self._owner_id,
            conversation_id=conversation_id,
            start=lambda work, name: group.create_task(work, name=name),
        )

    async def _lend(self) -> Borrowed:
        voices = [await self._lender.lend(one, self._voice_id) for one in self._people]
        return voices[0]

    async def _watch(self, person_id: str, voice: Borrowed) -> None:
        try:
            async with aclosing(self._lender.stopped(person_id, voice)) as reasons:
                async for _reason in reasons:
                    voice.stop()
        except LogError as error:  # who cannot be asked has not said yes
            log.warning("voice_not_watched", error=type(error).__name__)
            voice.stop()
