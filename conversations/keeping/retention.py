"""The longest that anything is kept: what is older is erased, a turn or a whole conversation at a time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from conversations.keeping.lineage import copies_of
from conversations.log import scrub
from conversations.models import Conversation, Session, Turn
from conversations.services import burial

REASON = "retention"


@dataclass(frozen=True, slots=True)
class Overdue:
    """A conversation, one turn of it (``turn_id``), or the sound of one turn, that is kept for too long."""

    what: Literal["conversation", "turn", "sound"]
    conversation_id: UUID
    turn_id: str = ""
    before: datetime | None = field(default=None, compare=False)
    """Of a conversation: nothing was said in it since, and nobody came back."""


def overdue(now: datetime) -> Iterator[Overdue]:
    """What AVATAR_KEEP_DAYS and AVATAR_KEEP_SOUND_DAYS say is to go, the oldest first; 0 days: for ever."""
    recent = Turn.objects.all()
    if settings.KEEP_DAYS:
        cutoff = now - timedelta(days=settings.KEEP_DAYS)
        for conversation_id in list(_ended_before(cutoff).values_list("id", flat=True)):
            yield Overdue("conversation", conversation_id, before=cutoff)
        # Of a conversation that goes on, the old turns.
        for place in _places(_kept_turns(cutoff).filter(redacted=False, conversation__in=_going_on_since(cutoff))):
            yield Overdue("turn", *place)
        recent = recent.filter(started_at__gte=cutoff)
    if settings.KEEP_SOUND_DAYS:
        cutoff = now - timedelta(days=settings.KEEP_SOUND_DAYS)
        with_sound = ~Q(user_audio_id="") | ~Q(reply_audio_id="")
        for place in _places(_kept_turns(cutoff).filter(with_sound, id__in=recent.values("id"))):
            yield Overdue("sound", *place)


def apply(items: Iterator[Overdue], *, for_s: float = 240.0) -> Iterator[Overdue]:
    """Erases what is overdue, for ``for_s`` seconds at most, and tells each; the next run goes on.

    Raises `log.errors.LogError`.
    """
    until = time.monotonic() + for_s
    erased = 0
    try:
        for item in items:
            _erase(item)
            erased += 1
            yield item
            if time.monotonic() >= until:
                break
    finally:
        if erased:
            scrub.empty_journal()


def _erase(item: Overdue) -> None:
    if item.what != "conversation":
        what: burial.What = "all" if item.what == "turn" else "sound"
        burial.redact(item.conversation_id, item.turn_id, reason=REASON, what=what)
        return
    # What a fork took over is as old there as here.
    if forks := copies_of([item.conversation_id]):
        shared = Turn.objects.filter(conversation__in=forks, redacted=False).values("turn_id")
        turns = Turn.objects.filter(conversation_id=item.conversation_id, turn_id__in=shared)
        for turn_id in list(turns.values_list("turn_id", flat=True)):
            burial.redact(item.conversation_id, turn_id, reason=REASON, what="all")
    burial.bury(item.conversation_id, reason=REASON, only_if=partial(_is_still_overdue, item))


def _is_still_overdue(item: Overdue) -> bool:
    """Asked when it is erased: somebody may have come back since the list was made."""
    assert item.before is not None
    return _ended_before(item.before).filter(id=item.conversation_id).exists()


def _ended_before(cutoff: datetime) -> QuerySet[Conversation]:
    """Nothing was said in them since, and nobody came back."""
    return (
        Conversation.objects.filter(started_at__lt=cutoff, erased_at__isnull=True)
        .exclude(id__in=_going_on_since(cutoff))
        .order_by("started_at")
    )


def _going_on_since(cutoff: datetime) -> QuerySet[Conversation, UUID]:
    spoken = Turn.objects.filter(conversation=OuterRef("pk"), started_at__gte=cutoff)
    visited = Session.objects.filter(conversation=OuterRef("pk"), opened_at__gte=cutoff)
    begun = Q(started_at__gte=cutoff)  # a fork begins now, with turns that are older
    going_on = Conversation.objects.filter(begun | Exists(spoken) | Exists(visited), erased_at__isnull=True)
    return going_on.values_list("id", flat=True)


def _kept_turns(cutoff: datetime) -> QuerySet[Turn]:
    return Turn.objects.filter(started_at__lt=cutoff, conversation__erased_at__isnull=True).order_by("started_at")


def _places(turns: QuerySet[Turn]) -> list[tuple[UUID, str]]:
    return list(turns.values_list("conversation_id", "turn_id"))
