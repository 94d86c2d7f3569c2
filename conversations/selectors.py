"""Reading conversations. Blocking: from a coroutine go through `event_log().read`."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from conversations.errors import ConversationNotFound
from conversations.events import ReplyHeard
from conversations.log.audio import AudioStore, StoredAudio
from conversations.log.errors import AudioMissing
from conversations.log.keys import KeyRing
from conversations.models import Conversation, Turn
from conversations.projections.turn_words import open_words
from conversations.projections.words import TurnWords
from conversations.streams import stream_of


class ConversationSummary(msgspec.Struct, frozen=True):
    """A conversation in a list. ``preview``: the first thing that was said, empty when erased."""

    conversation_id: str
    started_at: datetime
    updated_at: datetime
    turn_count: int
    language: str
    voice: str
    preview: str


class TurnView(msgspec.Struct, frozen=True):
    """A turn with its words in clear; ``erased`` when they were and are no more."""

    turn: Turn
    user_text: str
    generated_text: str
    spoken_text: str
    heard_text: str
    erased: bool
    answers: tuple[ReplyHeard, ...] = ()
    """What was heard of each answer of the turn; nothing once the words were erased."""


class ConversationView(msgspec.Struct, frozen=True):
    conversation: Conversation
    turns: tuple[TurnView, ...]


def conversations_of(owner_id: str) -> QuerySet[Conversation]:
    """An owner's conversations, the latest first; what a moderator has hidden is not among them."""
    return Conversation.objects.filter(owner__pk=owner_id, hidden=False).order_by("-updated_at", "-id")


def summaries(conversations: QuerySet[Conversation]) -> Iterator[ConversationSummary]:
    """The conversations as a list shows them; slice the query set first (a preview has to be decrypted)."""
    page = list(conversations)
    firsts = {turn.conversation_id: turn for turn in Turn.objects.filter(conversation__in=page, number=1)}
    rings = KeyRing.load_many({stream_of(str(first.conversation_id)): first.turn_id for first in firsts.values()})
    for conversation in page:
        first = firsts.get(conversation.id)
        words = open_words(first, rings[stream_of(str(conversation.id))]) if first is not None else None
        yield ConversationSummary(
            conversation_id=str(conversation.id),
            started_at=conversation.started_at,
            updated_at=conversation.updated_at,
            turn_count=conversation.turn_count,
            language=conversation.language,
            voice=conversation.voice,
            preview=words.user_text if words is not None else "",
        )


def get_conversation(owner_id: str, conversation_id: str) -> Conversation:
    """Raises `ConversationNotFound` when it is absent, another's, or hidden by a moderator."""
    try:
        return Conversation.objects.get(id=conversation_id, owner__pk=owner_id, hidden=False)
    except (Conversation.DoesNotExist, ValidationError, ValueError):
        raise ConversationNotFound from None


def read_conversation(owner_id: str, conversation_id: str) -> ConversationView:
    """A conversation with all its turns and their words. Raises `ConversationNotFound`."""
    return view_of(get_conversation(owner_id, conversation_id))


def view_of(conversation: Conversation) -> ConversationView:
    """The same for somebody who was found to be allowed to read it."""
    ring = KeyRing.load(stream_of(str(conversation.id)))
    turns = Turn.objects.filter(conversation=conversation).order_by("number")
    return ConversationView(conversation, tuple(_view(turn, open_words(turn, ring)) for turn in turns))


def read_turns(conversation_id: UUID, turns: Iterable[Turn]) -> tuple[TurnView, ...]:
    """Turns of one conversation with their words, for a caller that has asked who may read them."""
    ring = KeyRing.load(stream_of(str(conversation_id)))
    return tuple(_view(turn, open_words(turn, ring)) for turn in turns)


def open_audio(owner_id: str, conversation_id: str, audio_id: str) -> StoredAudio:
    """A turn's stored sound (Ogg Opus). Raises `ConversationNotFound`, `AudioMissing`, `AudioDamaged`."""
    conversation = get_conversation(owner_id, conversation_id)
    turns = Turn.objects.filter(conversation=conversation)
    if not audio_id or not (turns.filter(user_audio_id=audio_id) | turns.filter(reply_audio_id=audio_id)).exists():
        raise AudioMissing("There is no such sound in this conversation.")
    ring = KeyRing.load(stream_of(str(conversation.id)))
    return AudioStore(settings.DATA_DIR / "audio").open(audio_id, ring.find)


def _view(turn: Turn, words: TurnWords | None) -> TurnView:
    said = words or TurnWords()
    return TurnView(
        turn=turn,
        user_text=said.user_text,
        generated_text=said.generated_text,
        spoken_text=said.spoken_text,
        heard_text=said.heard_text,
        erased=words is None and turn.sealed_words is not None,
        answers=tuple(said.heard.values()),
    )
