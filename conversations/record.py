"""A live session's door to the record: facts in, each durable before it is acknowledged; history out."""

import asyncio
import functools
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from django.conf import settings
from uuid6 import uuid7

from conversations import selectors
from conversations.errors import ConversationNotFound
from conversations.events import ConversationStarted, Fact, SessionClosed, SessionOpened, decode_fact
from conversations.history import History, HistoryItem
from conversations.log import store
from conversations.log.audio import AudioStore
from conversations.log.eventlog import EventLog, event_log
from conversations.log.keys import DataKey, KeyRing
from conversations.log.models import Purpose
from conversations.log.types import Metadata, NewEvent, RecordedEvent
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
        self._owner_id = owner_id
        self._session_id = session_id
        self._log = log
        self._stream = stream_of(conversation_id)
        self._history = History()
        self._applied = 0
        self._catching_up = asyncio.Lock()
        self._cause: tuple[str, UUID] | None = None
        self._closed = False

    @classmethod
    async def open(
        cls, *, owner_id: str, session: SessionOpened, conversation_id: str | None = None
    ) -> "ConversationRecord":
        """Starts a conversation, or resumes one of ``owner_id``'s (`ConversationNotFound` when it is not there)."""
        log = event_log()
        opening: tuple[Fact, ...] = (session,)
        expected: int | None = store.ANY
        if conversation_id is None:
            conversation_id = str(uuid7())
            started = ConversationStarted(owner=owner_id, language=session.language, voice=session.voice)
            opening, expected = (started, session), 0
        else:
            find = functools.partial(selectors.get_conversation, owner_id, conversation_id)
            conversation_id = str((await log.read(find)).id)
        record = cls(conversation_id, owner_id=owner_id, session_id=session.session_id, log=log)
        await record._append(opening, "", expected, None)
        return record

    async def append(self, *facts: Fact, turn_id: str, idempotency_key: str | None = None) -> int:
        """Appends the facts, all or none; durable on return. Returns the last one's sequence.

        Cancelled before it was begun it stores nothing; once begun it is carried out.
        """
        return await self._append(facts, turn_id, store.ANY, idempotency_key)

    async def save_audio(self, turn_id: str, pcm: bytes) -> str:
        """Stores PCM16 24 kHz mono as Opus, encrypted under the turn's key for sound; on disk on return.

        Returns the opaque id to put into a fact.
        """
        return await self.spool(turn_id).save(pcm)

    def spool(self, turn_id: str) -> Spool:
        """`save_audio` for sound that is still coming."""
        find_key = functools.partial(_sound_key, self._stream, turn_id)
        return Spool(self._log, AudioStore(settings.DATA_DIR / "audio"), find_key)

    async def history(self) -> tuple[HistoryItem, ...]:
        """What the model's context is built from: what was *heard*, without what was deleted."""
        async with self._catching_up:
            if await self._log.read(functools.partial(store.last_sequence, self._stream)) != self._applied:
                for recorded in await self.facts_after(self._applied):
                    self._apply(recorded.sequence, recorded.fact, recorded.turn_id)
        return self._history.items()

    async def facts_after(self, sequence: int) -> tuple[RecordedFact, ...]:
        """The conversation's facts after ``sequence``, in order."""
        return tuple(map(_recorded_fact, await self._log.read_stream(self._stream, sequence)))

    async def close(self, reason: str) -> None:
        """Records the end of the session; a second call does nothing."""
        if not self._closed:
            self._closed = True
            await self.append(SessionClosed(session_id=self._session_id, reason=reason), turn_id="")

    async def _append(
        self, facts: Sequence[Fact], turn_id: str, expected: int | None, idempotency_key: str | None
    ) -> int:
        cause = self._cause
        metadata = Metadata(
            actor=self._owner_id,
            session=self._session_id,
            correlation=turn_id,
            causation=cause[1].hex if cause is not None and turn_id and cause[0] == turn_id else "",
        )
        events = [new_event(fact, metadata) for fact in facts]
        appended = await self._log.append(self._stream, expected, events, idempotency_key)
        self._cause = turn_id, appended.event_ids[-1]
        for sequence, fact in enumerate(facts, start=appended.first):
            self._apply(sequence, fact, turn_id)
        return appended.last

    def _apply(self, sequence: int, fact: Fact, turn_id: str) -> None:
        """Only the next fact counts: another session's facts in between are read by `history` when it is asked."""
        if sequence == self._applied + 1:
            self._history.apply(fact, turn_id)
            self._applied = sequence


def _sound_key(stream: str, turn_id: str) -> DataKey:
    return KeyRing.load(stream, [turn_id]).data_key(turn_id, Purpose.SOUND, create=True)


def new_event(fact: Fact, metadata: Metadata) -> NewEvent:
    """A fact as the log takes it."""
    return NewEvent(
        type=fact.type,
        payload=msgspec.to_builtins(fact),
        version=fact.version,
        personal=fact.personal,
        metadata=metadata,
    )


def _recorded_fact(event: RecordedEvent) -> RecordedFact:
    fact = decode_fact(event.type, event.version, event.payload, redacted=event.redacted)
    return RecordedFact(event.sequence, event.metadata.correlation, event.recorded_at, fact, event.redacted)
