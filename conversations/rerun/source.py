"""The conversation that is run again: what its user said, turn by turn, and what was answered then."""

from collections.abc import Iterable
from typing import Literal

import msgspec
from django.utils.translation import gettext_lazy as _

from conversations.errors import WrongState
from conversations.events import (
    ConversationErased,
    ConversationStarted,
    Fact,
    ItemCreated,
    ItemDeleted,
    Keep,
    KeepChanged,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    SessionOpened,
    TurnMeasured,
    TurnRedacted,
    UserSpoke,
    UserTranscribed,
    UserWrote,
)
from conversations.history import supersedes
from conversations.log import store
from conversations.log.facts import fact_of
from conversations.log.types import RecordedEvent
from conversations.models import Conversation, Turn
from conversations.streams import stream_of


class Said(msgspec.Struct):
    """One thing that the user said, wrote, or that their program put into the conversation."""

    fact: UserSpoke | UserWrote | ItemCreated
    transcript: UserTranscribed | None = None

    @property
    def item_id(self) -> str:
        return self.fact.item_id

    @property
    def text(self) -> str:
        """Its words; empty for sound that was not understood, and for what a program put in."""
        if self.transcript is not None:
            return self.transcript.text
        return self.fact.text if isinstance(self.fact, UserWrote) else ""


class SourceTurn(msgspec.Struct):
    """A turn as it was recorded. ``generated`` and ``heard`` are empty where nothing was answered."""

    number: int
    turn_id: str
    said: dict[str, Said] = msgspec.field(default_factory=dict)
    generated: str = ""
    heard: str = ""
    heard_as: Literal["client", "playback_clock", "text", ""] = ""
    status: str = ""
    measured: TurnMeasured | None = None
    redacted: bool = False
    facts: list[Fact] = msgspec.field(default_factory=list)
    """All facts of the turn, in order."""

    @property
    def words(self) -> str:
        """What the user said and wrote, as it was understood then."""
        return _joined(said.text for said in self.said.values())

    @property
    def language(self) -> str:
        """Of what was said last, as it was recognised; empty when nothing was spoken."""
        spoken = [said.transcript.language for said in self.said.values() if said.transcript is not None]
        return spoken[-1] if spoken else ""


class Source(msgspec.Struct):
    """A conversation read from the log. ``language``: what the session was set to, empty if it was to find out."""

    conversation_id: str
    owner_id: str
    language: str = ""
    voice: str = ""
    keep: Keep = "sound"
    turns: list[SourceTurn] = msgspec.field(default_factory=list)

    def turn(self, wanted: str | int) -> SourceTurn | None:
        """By its number or its id."""
        named = str(wanted)
        return next((turn for turn in self.turns if named in {str(turn.number), turn.turn_id}), None)


def read(conversation_id: str) -> Source:
    """Blocking. Raises `WrongState` when the conversation is not there, was erased, or holds no words."""
    events = store.read_stream(stream_of(conversation_id))
    if not events:
        raise WrongState(f"There is no conversation {conversation_id} in the log.")
    source = Source(conversation_id, "")
    turns: dict[str, SourceTurn] = {}
    for event in events:
        _fold(source, turns, event)
    source.turns = list(turns.values())
    if source.keep == "nothing":
        raise WrongState(_("This conversation is private: nothing of it is kept that could be run again."))
    if not any(turn.words for turn in source.turns):
        raise WrongState(_("This conversation holds no words (any more): there is nothing to run again."))
    return source


def redacted_now(conversation_id: str, turn: SourceTurn) -> bool:
    """Whether its words were taken away, if only since. Blocking. Raises `WrongState` when all was erased."""
    if not Conversation.objects.filter(id=conversation_id, erased_at__isnull=True).exists():
        raise WrongState(_("This conversation was erased: there is nothing to run again."))
    rows = Turn.objects.filter(conversation__id=conversation_id, turn_id=turn.turn_id, redacted=True)
    return turn.redacted or rows.exists()


def _fold(source: Source, turns: dict[str, SourceTurn], event: RecordedEvent) -> None:
    fact = fact_of(event)
    match fact:
        case ConversationStarted():
            source.owner_id, source.language, source.voice, source.keep = (
                fact.owner,
                fact.language,
                fact.voice,
                fact.keep,
            )
        case SessionOpened():
            source.language, source.voice = fact.language or source.language, fact.voice or source.voice
        case KeepChanged():
            source.keep = fact.keep
        case ConversationErased():
            raise WrongState(_("This conversation was erased: there is nothing to run again."))
        case TurnRedacted() if turn := turns.get(fact.turn_id):
            turn.redacted = turn.redacted or fact.what == "all"
        case ItemDeleted():
            for turn in turns.values():
                turn.said.pop(fact.item_id, None)
        case _:
            pass
    if turn_id := event.metadata.correlation:
        turn = turns.setdefault(turn_id, SourceTurn(len(turns) + 1, turn_id))
        turn.redacted = turn.redacted or event.redacted
        turn.facts.append(fact)
        _take(turn, fact)


def _take(turn: SourceTurn, fact: Fact) -> None:
    match fact:
        case UserSpoke() | UserWrote():
            turn.said[fact.item_id] = Said(fact)
        case ItemCreated() if fact.kind == "message":
            turn.said[fact.item_id] = Said(fact)
        case UserTranscribed() if said := turn.said.get(fact.item_id):
            said.transcript = fact
        case ReplyGenerated():
            turn.generated = _joined((turn.generated, fact.text))
        case ReplyHeard() if supersedes(fact, turn.heard_as):
            turn.heard, turn.heard_as = fact.text, fact.source
        case ReplyFinished():
            turn.status = fact.status
        case TurnMeasured():
            turn.measured = turn.measured or fact
        case _:
            pass


def _joined(texts: Iterable[str]) -> str:
    return "\n".join(text for text in texts if text)
