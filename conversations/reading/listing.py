"""A person's conversations as a list: page by page, filtered, with title, first words and how long was talked.

A page takes the same few queries whether there are ten conversations or ten thousand.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

import msgspec
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.errors import Invalid
from conversations.models import Conversation, Keep, Turn
from conversations.projections.rings import rings_of
from conversations.projections.turn_words import open_words
from conversations.projections.words import TurnWords
from conversations.reading import titled
from conversations.streams import stream_of

PAGE = 40
_LOOKED_INTO = 3
"""Turns whose words may give the title: the first may be a cough."""


class Filters(msgspec.Struct, frozen=True):
    """Empty means all; the dates are days in the current time zone, both included."""

    voice: str = ""
    language: str = ""
    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        return self != Filters()


class Row(msgspec.Struct, frozen=True):
    """A conversation in a list. ``title``: as it was given, else its first words; empty when it has none.

    ``preview``: the beginning of the first answer. ``talked_ms``: what was said and what was heard, without pauses.
    """

    conversation_id: str
    title: str
    named: bool
    preview: str
    started_at: datetime
    updated_at: datetime
    turn_count: int
    talked_ms: int
    language: str
    voice: str
    private: bool
    forked: bool


class Page(msgspec.Struct, frozen=True):
    """``older``: the cursor of the next page, empty on the last."""

    rows: tuple[Row, ...]
    older: str = ""


class Choices(msgspec.Struct, frozen=True):
    """What there is to filter by."""

    voices: tuple[str, ...]
    languages: tuple[str, ...]


def shown(owner_id: str, filters: Filters = Filters()) -> QuerySet[Conversation]:  # noqa: B008 - frozen
    """What its owner sees, the latest first: nothing that was erased, hidden by a moderator, or never begun."""
    return Conversation.objects.filter(visible(owner_id, filters)).order_by("-updated_at", "-id")


def visible(owner_id: str, filters: Filters, prefix: str = "") -> Q:
    """The same as a condition; ``prefix`` leads to the conversation, such as ``document__conversation__``."""
    where = {"owner": owner_id, "hidden": False, "erased_at": None, "turn_count__gt": 0}
    if filters.voice:
        where["voice"] = filters.voice
    if filters.language:
        where["language"] = filters.language
    if filters.since is not None:
        where["updated_at__gte"] = _midnight(filters.since)
    if filters.until is not None:
        where["updated_at__lt"] = _midnight(filters.until + timedelta(days=1))
    return Q(**{prefix + name: value for name, value in where.items()})


def page(owner_id: str, filters: Filters = Filters(), cursor: str = "", size: int = PAGE) -> Page:  # noqa: B008
    """One page; ``cursor`` is the `Page.older` of the page before. Raises `Invalid` for a cursor that is none."""
    conversations = shown(owner_id, filters)
    if cursor:
        moment, pk = _read_cursor(cursor)
        earlier = Q(updated_at__lt=moment) | Q(updated_at=moment, id__lt=pk)
        conversations = conversations.filter(earlier, updated_at__lte=moment)
    found = list(conversations[: size + 1])
    older = _cursor(found[size - 1]) if len(found) > size else ""
    return Page(rows(found[:size]), older)


def rows(conversations: Sequence[Conversation]) -> tuple[Row, ...]:
    """The conversations as a list shows them, in their order."""
    words = _first_words(conversations)
    rings = rings_of({stream_of(str(conversation.id)): () for conversation in conversations})
    names = titled.opened_many((conversation.id for conversation in conversations), rings)
    talked = _talked(conversations)
    return tuple(
        Row(
            conversation_id=str(conversation.id),
            title=names.get(conversation.id) or titled.first_words(said.user_text, said.heard_text),
            named=conversation.id in names,
            preview=_beginning(said.heard_text),
            started_at=conversation.started_at,
            updated_at=conversation.updated_at,
            turn_count=conversation.turn_count,
            talked_ms=talked.get(conversation.id, 0),
            language=conversation.language,
            voice=conversation.voice,
            private=conversation.keep == Keep.NOTHING,
            forked=conversation.forked_from is not None,
        )
        for conversation in conversations
        for said in (words.get(conversation.id, TurnWords()),)
    )


def choices(owner_id: str) -> Choices:
    """The voices and languages of the owner's conversations."""
    pairs = shown(owner_id).order_by().values_list("voice", "language").distinct()
    voices, languages = zip(*pairs, strict=True) if pairs else ((), ())
    return Choices(tuple(sorted({*voices} - {""})), tuple(sorted({*languages} - {""})))


def _first_words(conversations: Sequence[Conversation]) -> dict[UUID, TurnWords]:
    """The words of the first turn of each that has any."""
    turns = Turn.objects.filter(conversation__in=conversations, number__lte=_LOOKED_INTO, sealed_words__isnull=False)
    found = list(turns.order_by("number").only("conversation", "turn_id", "sealed_words"))
    rings = rings_of(_by_stream(found))
    words: dict[UUID, TurnWords] = {}
    for turn in found:
        if turn.conversation_id not in words:
            said = open_words(turn, rings[stream_of(str(turn.conversation_id))])
            if said is not None and (said.user_text or said.heard_text):
                words[turn.conversation_id] = said
    return words


def _by_stream(turns: Iterable[Turn]) -> dict[str, list[str]]:
    streams: dict[str, list[str]] = {}
    for turn in turns:
        streams.setdefault(stream_of(str(turn.conversation_id)), []).append(turn.turn_id)
    return streams


def _talked(conversations: Sequence[Conversation]) -> dict[UUID, int]:
    totals = Turn.objects.filter(conversation__in=conversations).order_by().values_list("conversation")
    return dict(totals.annotate(ms=Coalesce(Sum("user_audio_ms"), 0) + Coalesce(Sum("heard_ms"), 0)))


def _beginning(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 160 else text[:160] + "…"


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _cursor(conversation: Conversation) -> str:
    return base64.urlsafe_b64encode(f"{conversation.updated_at.isoformat()}|{conversation.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        moment, _separator, pk = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        read = datetime.fromisoformat(moment), UUID(pk)
    except (ValueError, binascii.Error, UnicodeDecodeError) as error:
        raise Invalid(_("This page of the list does not exist: begin at the first one.")) from error
    if read[0].tzinfo is None:
        raise Invalid(_("This page of the list does not exist: begin at the first one."))
    return read
