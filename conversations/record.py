"""A live session's door to the record: facts in, each durable before it is acknowledged; history out."""

import asyncio
import functools
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from django.conf import settings
from uuid6 import uuid7

from conversations import selectors
from conversations.errors import ConversationNotFound
from conversations.events import (
    ConversationStarted,
    Fact,
    Keep,
    KeepChanged,
    SessionClosed,
    SessionOpened,
)
from conversations.history import History, HistoryItem
from conversations.keeping import kept
from conversations.keeping.kept import new_event
from conversations.log import store
from conversations.log.audio import AudioStore
from conversations.log.eventlog import EventLog, event_log
from conversations.log.facts import fact_of
from conversations.log.keys import DataKey, KeyRing
from conversations.log.models import Purpose
from conversations.log.types import Metadata, RecordedEvent
from conversations.models import Conversation
from conversations.models import Keep as KeepChoice
from conversations.projections.owners import require_active
from conversations.spool import Spool
from conversations.streams import stream_of

__all__ = ["ConversationNotFound", "ConversationRecord", "HistoryItem", "RecordedFact", "new_event"]


class RecordedFact(msgspec.Struct, frozen=True):
    """A fact with its place in the conversation. ``redacted``: its words were erased and are empty here."""

    sequence: int
    turn_id: str
    recorded_at: datetime
    fact: Fact
    redacted: bool = False


class ConversationRecord:
    """One per live session; safe to call from the tasks of one event loop.

    Every method but the constructor may raise `conversations.log.errors.LogError` (``permanent`` says whether to try
    again; with an idempotency key a repeated append is stored once).
    """

    def __init__(self, conversation_id: str, *, owner_id: str, session_id: str, log: EventLog) -> None:
        self.conversation_id = conversation_id
        self.keep: Keep = "sound"
        """What was kept of the conversation when it was opened here."""
        self._owner_id = owner_id
        self._session_id = session_id
        self._log = log
        self._stream = stream_of(conversation_id)
        self._history = History()
        self._applied = 0
        self._opened_at = 0
        self._own: dict[int, tuple[Fact, str]] = {}
        """Facts of this session, and their turns, that came after another's which were not read yet."""
        self._catching_up = asyncio.Lock()
        self._cause: tuple[str, UUID] | None = None
        self._closed = False

    @classmethod
    async def open(
        cls,
        *,
        owner_id: str,
        session: SessionOpened,
        conversation_id: str | None = None,
        keep: Keep | None = None,
    ) -> "ConversationRecord":
        """Starts a conversation, or resumes one of ``owner_id``'s (`ConversationNotFound` when it is not there).

        Raises `UnknownOwner` when the person was blocked or erased meanwhile; nothing is stored then.
        ``keep`` is what the person chose; None leaves what was chosen before, or the operator's default.
        """
        log = event_log()
        opening: tuple[Fact, ...] = (session,)
        expected: int | None = store.ANY
        if conversation_id is None:
            conversation_id = str(uuid7())
            chosen = keep or msgspec.convert(settings.KEEP_DEFAULT, Keep)
            started = ConversationStarted(owner=owner_id, language=session.language, voice=session.voice, keep=chosen)
            opening, expected = (started, session), 0
        else:
            conversation = await log.read(functools.partial(_resumable, owner_id, conversation_id))
            conversation_id = str(conversation.id)
            if keep is not None and keep != conversation.keep:
                opening = (KeepChanged(keep=keep), session)
            chosen = keep or msgspec.convert(conversation.keep, Keep)
        record = cls(conversation_id, owner_id=owner_id, session_id=session.session_id, log=log)
        record.keep = chosen
        await record._append(opening, "", expected, None, first=functools.partial(require_active, owner_id))
        return record

    async def append(self, *facts: Fact, turn_id: str, idempotency_key: str | None = None, origin: str = "") -> int:
        """Appends the facts, all or none; durable on return. Returns the last one's sequence.

        Words and sound that are not to be kept (a private conversation, a turn that was redacted meanwhile) stay
        out of it; ``origin`` is as in `kept.append`. Cancelled before it was begun it stores nothing; once begun it is
        carried out.
        """
        return await self._append(facts, turn_id, store.ANY, idempotency_key, origin)

    async def save_audio(self, turn_id: str, pcm: bytes) -> str:
        """Stores PCM16 24 kHz mono as Opus, encrypted under the turn's key for sound; on disk on return.

        Returns the opaque id to put into a fact; empty when no sound of the turn is kept.
        """
        return await self.spool(turn_id).save(pcm)

    def spool(self, turn_id: str) -> Spool:
        """`save_audio` for sound that is still coming."""
        return Spool(self._log, _audio(), functools.partial(_sound_key, self._stream, turn_id))

    async def history(self) -> tuple[HistoryItem, ...]:
        """What the model's context is built from: what was *heard*, without what was deleted."""
        async with self._catching_up:
            if await self._log.read(functools.partial(store.last_sequence, self._stream)) != self._applied:
                await self._catch_up()
        return self._history.items()

    async def _catch_up(self) -> None:
        """Takes in what others appended meanwhile."""
        for event in await self._log.read_stream(self._stream, self._applied):
            if event.metadata.session == self._session_id and event.sequence > max(self._applied, self._opened_at):
                # On its way into the history as it was said: the log may keep no words of it.
                break
            recorded = _recorded_fact(event)
            self._apply(recorded.sequence, recorded.fact, recorded.turn_id)

    async def facts_after(self, sequence: int) -> tuple[RecordedFact, ...]:
        """The conversation's facts after ``sequence``, in order."""
        return tuple(map(_recorded_fact, await self._log.read_stream(self._stream, sequence)))

    async def close(self, reason: str) -> None:
        """Records the end of the session; a second call does nothing."""
        if not self._closed:
            self._closed = True
            await self.append(SessionClosed(session_id=self._session_id, reason=reason), turn_id="")

    async def _append(
        self,
        facts: Sequence[Fact],
        turn_id: str,
        expected: int | None,
        idempotency_key: str | None,
        origin: str = "",
        first: Callable[[], None] = lambda: None,
    ) -> int:
        """``first`` raises, in the append's own transaction, when it may not be."""
        cause = self._cause
        metadata = Metadata(
            actor=self._owner_id,
            session=self._session_id,
            correlation=turn_id,
            causation=cause[1].hex if cause is not None and turn_id and cause[0] == turn_id else "",
        )

        def work() -> kept.Kept:
            first()
            return kept.append(self._stream, expected, facts, metadata, idempotency_key, origin)

        stored = await self._log.write(work)
        appended = stored.appended
        self._cause = turn_id, appended.event_ids[-1]
        self._opened_at = self._opened_at or appended.last
        for audio_id in stored.dropped:
            await self._log.in_files_thread(functools.partial(_audio().delete, audio_id))
        for sequence, fact in enumerate(facts, start=appended.first):
            self._apply(sequence, fact, turn_id)
        return appended.last

    def _apply(self, sequence: int, fact: Fact, turn_id: str) -> None:
        """Facts count in their order: those after another session's wait until `history` has read that one's."""
        if sequence > self._applied + 1:
            self._own[sequence] = fact, turn_id
        if sequence != self._applied + 1:
            return
        self._history.apply(fact, turn_id)
        self._applied = sequence
        while (following := self._own.pop(self._applied + 1, None)) is not None:
            self._history.apply(*following)
            self._applied += 1


def _audio() -> AudioStore:
    return AudioStore(settings.DATA_DIR / "audio")


def _resumable(owner_id: str, conversation_id: str) -> Conversation:
    conversation = selectors.get_conversation(owner_id, conversation_id)
    if conversation.erased_at is not None or conversation.hidden:
        raise ConversationNotFound
    return conversation


def _sound_key(stream: str, turn_id: str) -> DataKey | None:
    """In the writer's transaction: None when no sound of the turn is kept."""
    if kept.keep_of(stream, turn_id) != KeepChoice.SOUND:
        return None
    return KeyRing.load(stream, [turn_id]).data_key(turn_id, Purpose.SOUND, create=True)


def _recorded_fact(event: RecordedEvent) -> RecordedFact:
    fact = fact_of(event)
    return RecordedFact(event.sequence, event.metadata.correlation, event.recorded_at, fact, event.redacted)
