"""A conversation turn by turn, as a page or a text shows it: what was said, what was heard, what was not."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from conversations.log.keys import KeyRing
from conversations.models import Conversation, Keep, Turn, TurnStatus
from conversations.projections.turn_words import open_words
from conversations.projections.words import TurnWords
from conversations.reading import titled
from conversations.streams import stream_of


class Step(msgspec.Struct, frozen=True):
    """A moment of the waterfall, in milliseconds from the true end of speech."""

    name: str
    ms: float


class Exchange(msgspec.Struct, frozen=True):
    """One turn with its words.

    ``unheard_text``: what was generated beyond what was heard; ``cut``: the answer was not heard to its end.
    ``user_sound``, ``reply_sound``: there is a recording. ``removed``: words and sound were taken away;
    ``private``: none were kept.
    """

    number: int
    turn_id: str
    at: datetime
    language: str
    voice: str
    status: TurnStatus
    error_code: str
    user_text: str = ""
    heard_text: str = ""
    unheard_text: str = ""
    cut: bool = False
    user_sound: bool = False
    user_ms: int = 0
    reply_sound: bool = False
    heard_ms: int = 0
    reply_ms: int = 0
    """The length of the answer's recording: all that was sent."""
    waited_ms: float | None = None
    steps: tuple[Step, ...] = ()
    removed: bool = False
    private: bool = False


def read_exchanges(conversation: Conversation, first: int = 1, count: int | None = None) -> list[Exchange]:
    """The turns from number ``first`` on, at most ``count``, with their words. Two queries."""
    turns = Turn.objects.filter(conversation=conversation, number__gte=first).order_by("number")
    if count is not None:
        turns = turns[:count]
    ring = KeyRing.load(stream_of(str(conversation.id)))
    return [_exchange(turn, open_words(turn, ring)) for turn in turns]


def title_of(conversation: Conversation, exchanges: Sequence[Exchange]) -> str:
    """The title that was given, else the first words; empty when there are none."""
    given = titled.opened(conversation.id, KeyRing.load(stream_of(str(conversation.id)), ()))
    texts = (text for exchange in exchanges for text in (exchange.user_text, exchange.heard_text))
    return given or titled.first_words(*texts)


def unheard(generated: str, heard: str) -> str:
    """What of a generated text comes after what was heard of it; all of it when nothing was."""
    if not heard.strip():
        return generated
    at = 0
    for character in heard:
        if character.isspace():
            continue
        while at < len(generated) and generated[at].isspace():
            at += 1
        if at >= len(generated) or generated[at] != character:
            # Spoken differently from how it was written (figures in words): nothing tells where it was cut.
            return generated
        at += 1
    return generated[at:].strip()


def _exchange(turn: Turn, words: TurnWords | None) -> Exchange:
    said = words or TurnWords()
    erased = turn.redacted or (words is None and turn.sealed_words is not None)
    cut = turn.heard_complete is False or (turn.status == TurnStatus.OPEN and bool(said.heard_text))
    return Exchange(
        number=turn.number,
        turn_id=turn.turn_id,
        at=turn.started_at,
        language=turn.language,
        voice=turn.voice,
        status=TurnStatus(turn.status),
        error_code=turn.error_code,
        user_text=said.user_text,
        heard_text=said.heard_text,
        unheard_text=unheard(said.generated_text, said.heard_text) if cut else "",
        cut=cut,
        user_sound=bool(turn.user_audio_id),
        user_ms=turn.user_audio_ms or 0,
        reply_sound=bool(turn.reply_audio_id),
        heard_ms=turn.heard_ms or 0,
        reply_ms=turn.reply_audio_ms or 0,
        waited_ms=turn.first_audio_ms,
        steps=_steps(turn),
        removed=erased,
        private=turn.keep == Keep.NOTHING and not erased,
    )


def _steps(turn: Turn) -> tuple[Step, ...]:
    told = (
        ("endpoint", turn.endpoint_ms),
        ("transcript", turn.transcript_ms),
        ("first_token", turn.first_token_ms),
        ("first_sentence", turn.first_sentence_ms),
        ("first_audio", turn.first_audio_ms),
    )
    return tuple(Step(name, ms) for name, ms in told if ms is not None)
