"""A person's own re-runs of their own conversations. What others ran again is not theirs to see."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from django.db.models import QuerySet

from conversations.errors import ConversationNotFound
from conversations.models import Conversation
from conversations.reading import listing
from conversations.reading.rerun_words import WordsRow, rows_of
from conversations.rerun.compare import Compared
from conversations.rerun.report import Outcome, Summary, summarise
from conversations.rerun_tables import RerunJob
from conversations.services.access import Actor

MOST = 20
"""Shown beside a conversation; the latest."""


class RerunView(msgspec.Struct, frozen=True):
    """A re-run as its owner sees it. ``result``: the conversation that came of it, while it can be opened.

    ``rows``: turns ``first`` and on of those that were run, once it is over; ``later``: where the next begin, or 0.
    """

    job: RerunJob
    result: UUID | None
    rows: tuple[WordsRow, ...]
    summary: Summary | None
    first: int
    later: int


def reruns_of(actor: Actor, conversation: Conversation) -> Sequence[RerunJob]:
    """The latest first."""
    return list(_own(actor, conversation).order_by("-created_at")[:MOST])


def rerun_of(actor: Actor, conversation: Conversation, job_id: UUID, *, first: int, turns: int) -> RerunView:
    """With both sides' words of at most ``turns`` turns. Raises `ConversationNotFound`."""
    job = _own(actor, conversation).filter(id=job_id).first()
    if job is None:
        raise ConversationNotFound
    compared = msgspec.convert(job.compared, list[Compared]) if job.over else []
    result = job.result_id
    if result is not None and Conversation.objects.filter(id=result, hidden=True).exists():
        result = None
    openable = result is not None and listing.shown(str(actor.pk)).filter(id=result).exists()
    return RerunView(
        job=job,
        result=result if openable else None,
        rows=rows_of(conversation.id, result, compared[first - 1 : first - 1 + turns]),
        summary=summarise([Outcome(conversation_id=str(conversation.id), turns=compared)]) if compared else None,
        first=first,
        later=first + turns if len(compared) >= first + turns else 0,
    )


def _own(actor: Actor, conversation: Conversation) -> "QuerySet[RerunJob]":
    return RerunJob.objects.filter(owner__pk=actor.pk, conversation_id=conversation.id)
