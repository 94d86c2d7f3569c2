"""Read models from facts: the same fold writes them in the append's transaction and remakes them from the log."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog

from conversations.events import (
    ConversationErased,
    ConversationHidden,
    ConversationStarted,
    Fact,
    FlagDecided,
    FlagRaised,
    KeepChanged,
    RecordingHeard,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    SessionClosed,
    SessionMuted,
    SessionOpened,
    TurnRedacted,
    UserTranscribed,
    UserWrote,
)
from conversations.history import supersedes
from conversations.log.facts import fact_of
from conversations.log.keys import KeyRing
from conversations.log.models import Purpose
from conversations.log.prepared import Select
from conversations.log.types import RecordedEvent
from conversations.models import Conversation, Flag, FlagStatus, Keep, Session, Turn
from conversations.projections import words
from conversations.projections.columns import fit
from conversations.projections.turn_words import open_words, place
from conversations.projections.turns import describe
from conversations.projections.words import TurnWords
from conversations.streams import conversation_of

log = structlog.get_logger(__name__)
_conversation = Select(Conversation, "id")
_turn = Select(Turn, "conversation", "turn_id")
_session = Select(Session, "session_id")
_flag = Select(Flag, "flag_id")
_OVERSIGHT = (ConversationErased, ConversationHidden, FlagDecided, FlagRaised, RecordingHeard, TurnRedacted)
"""What others do to a conversation: nobody has talked, so it is no more recent, and is not kept any longer for it."""


@dataclass(slots=True)
class Rows:
    """A conversation's rows, in memory: loaded from the tables, or empty to be folded from the first fact on.

    ``words`` holds the turns' words in clear as far as they were needed.
    """

    ring: KeyRing
    conversation: Conversation | None = None
    turns: dict[str, Turn] = field(default_factory=dict)
    words: dict[str, TurnWords] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    flags: dict[str, Flag] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, ring: KeyRing, events: Sequence[RecordedEvent]) -> "Rows":
        """The rows that the events will change."""
        rows = cls(ring, _conversation.first(UUID(conversation_of(ring.stream))))
        if rows.conversation is None:
            return rows
        named = [event.payload.get("turn_id", "") for event in events]
        turn_ids = {turn_id for turn_id in (*named, *(event.metadata.correlation for event in events)) if turn_id}
        for event in events:
            if session := _session.first(event.payload["session_id"]) if "session_id" in event.payload else None:
                rows.sessions[session.session_id] = session
            if flag := _flag.first(event.payload["flag_id"]) if "flag_id" in event.payload else None:
                rows.flags[flag.flag_id] = flag
                turn_ids |= {flag.turn_id} - {""}
        if any(event.type == ConversationErased.type for event in events):
            found = list(Turn.objects.filter(conversation=rows.conversation))
        else:
            found = [turn for turn_id in turn_ids for turn in _turn(rows.conversation.id, turn_id)]
        rows.turns = {turn.turn_id: turn for turn in found}
        return rows

    def fold(self, event: RecordedEvent) -> None:
        """Takes one event in. Raises `UnknownOwner`, `events.UnknownFact`."""
        fact = fact_of(event)
        if self.conversation is None:
            self.conversation = _started(event, fact)
        conversation = self.conversation
        conversation.sequence = event.sequence
        if not isinstance(fact, _OVERSIGHT):
            conversation.updated_at = event.recorded_at
        self._administer(conversation, fact, event)
        if turn_id := event.metadata.correlation:
            turn = self._turn(turn_id, conversation, event)
            failed_before = turn.error_code
            describe(turn, fact)
            # Where none was chosen: the language first understood, the voice first heard.
            conversation.language = conversation.language or turn.language
            conversation.voice = conversation.voice or turn.voice
            if turn.error_code and not failed_before:
                conversation.error_count += 1
            if turn.first_audio_ms is not None:
                conversation.slowest_ms = max(turn.first_audio_ms, conversation.slowest_ms or 0.0)
            if not (event.redacted or turn.redacted or turn.keep == Keep.NOTHING):
                self._say(turn, fact)
            fit(turn)
        fit(conversation)

    def _administer(self, conversation: Conversation, fact: Fact, event: RecordedEvent) -> None:
        """What befalls the conversation as a whole."""
        match fact:
            case SessionOpened():
                conversation.language = fact.language or conversation.language
                conversation.voice = fact.voice or conversation.voice
                self.sessions[fact.session_id] = _opened(conversation, fact, event)
            case SessionClosed() if session := self.sessions.get(fact.session_id):
                session.closed_at, session.close_reason = event.recorded_at, fact.reason
            case SessionMuted() if session := self.sessions.get(fact.session_id):
                session.muted = fact.muted
            case KeepChanged():
                conversation.keep = fact.keep
            case ConversationHidden():
                conversation.hidden = fact.hidden
            case ConversationErased():
                conversation.erased_at = event.recorded_at
                for turn in self.turns.values():
                    self._redact(turn, sound_only=False)
            case TurnRedacted() if redacted := self.turns.get(fact.turn_id):
                self._redact(redacted, sound_only=fact.what == "sound")
            case FlagRaised():
                self._count_flag(conversation, fact.turn_id, 1)
                self.flags[fact.flag_id] = _raised(conversation, fact, event)
            case FlagDecided() if (flag := self.flags.get(fact.flag_id)) and flag.status == FlagStatus.OPEN:
                self._count_flag(conversation, flag.turn_id, -1)
                flag.status, flag.decision_reason = FlagStatus(fact.decision), fact.reason
                flag.decided_by, flag.decided_at = event.metadata.actor, event.recorded_at
            case _:
                pass

    def _redact(self, turn: Turn, *, sound_only: bool) -> None:
        self.touched.add(turn.turn_id)
        turn.user_audio_id = turn.reply_audio_id = ""
        if turn.keep == Keep.SOUND:
            turn.keep = Keep.TEXT  # no sound of it is stored from here on
        if not sound_only:
            turn.sealed_words, turn.redacted = None, True
            self.words.pop(turn.turn_id, None)

    def _count_flag(self, conversation: Conversation, turn_id: str, change: int) -> None:
        conversation.open_flags += change
        if turn := self.turns.get(turn_id):
            turn.open_flags += change
            self.touched.add(turn_id)

    def _turn(self, turn_id: str, conversation: Conversation, event: RecordedEvent) -> Turn:
        self.touched.add(turn_id)
        if turn_id not in self.turns:
            conversation.turn_count += 1
            self.turns[turn_id] = Turn(
                conversation=conversation,
                turn_id=turn_id,
                number=conversation.turn_count,
                started_at=happened_at(event),
                keep=conversation.keep,
                redacted=conversation.erased_at is not None,
            )
        return self.turns[turn_id]

    def _say(self, turn: Turn, fact: Fact) -> None:
        match fact:
            case UserTranscribed() | UserWrote():
                self._words(turn).user[fact.item_id] = fact.text
            case ReplyGenerated():
                self._words(turn).generated[fact.item_id] = fact.text
            case ReplySpoken():
                self._words(turn).spoken.setdefault(fact.item_id, {})[fact.index] = fact.text
            case ReplyHeard():
                heard = self._words(turn).heard
                if fact.item_id not in heard or supersedes(fact, heard[fact.item_id].source):
                    heard[fact.item_id] = fact
            case _:
                pass

    def _words(self, turn: Turn) -> TurnWords:
        if turn.turn_id not in self.words:
            self.words[turn.turn_id] = open_words(turn, self.ring) or TurnWords()
        return self.words[turn.turn_id]

    def seal(self) -> None:
        """Puts the words into their turns."""
        for turn_id, said in self.words.items():
            turn = self.turns[turn_id]
            key = self.ring.data_key(turn_id, Purpose.WORDS, create=True)
            turn.sealed_words = words.seal(said, key, place(turn))


def happened_at(event: RecordedEvent) -> datetime:
    """When it happened: of what a fork copied, when it was said."""
    told = event.metadata.happened_at
    return datetime.fromisoformat(told) if told else event.recorded_at


def _started(event: RecordedEvent, fact: Fact) -> Conversation:
    if not isinstance(fact, ConversationStarted):
        raise ValueError(f"{event.stream} does not begin with {ConversationStarted.type}")
    return Conversation(
        id=UUID(conversation_of(event.stream)),
        owner_id=fact.owner,
        started_at=event.recorded_at,
        language=fact.language,
        voice=fact.voice,
        keep=Keep(fact.keep),
        forked_from=UUID(fact.forked_from) if fact.forked_from else None,
        forked_at=fact.forked_at,
    )


def _opened(conversation: Conversation, fact: SessionOpened, event: RecordedEvent) -> Session:
    session = Session(
        session_id=fact.session_id,
        conversation=conversation,
        opened_at=event.recorded_at,
        model=fact.model,
        voice=fact.voice,
        language=fact.language,
    )
    fit(session)
    return session


def _raised(conversation: Conversation, fact: FlagRaised, event: RecordedEvent) -> Flag:
    flag = Flag(
        flag_id=fact.flag_id,
        conversation=conversation,
        turn_id=fact.turn_id,
        reason=fact.reason,
        rule=fact.rule,
        raised_by="" if fact.rule else event.metadata.actor,
        raised_at=event.recorded_at,
    )
    fit(flag)
    return flag
