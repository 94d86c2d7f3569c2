"""What was said in a re-run, then and now: both sides' words are opened with the conversation that was run again."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from conversations.admin import opened
from conversations.admin.labels import inspect_reasons
from conversations.models import Conversation
from conversations.reading.rerun_words import WordsRow, rows_of
from conversations.rerun.compare import Compared
from conversations.rerun_tables import RerunJob


@dataclass(frozen=True, slots=True)
class WordsPage:
    """``rows`` are there only while the words are open."""

    erased: bool
    may_read: bool
    words_open: bool
    rows: tuple[WordsRow, ...]
    inspect_reasons: Sequence[tuple[str, str]]
    inspect_reason: str


def may_read(request: HttpRequest) -> bool:
    """As on the page of a conversation: who sees that it is there, and may read what others said."""
    return request.user.has_perms(("conversations.view_conversation", "conversations.read_words"))


def build(request: HttpRequest, job: RerunJob, turns: Sequence[Compared]) -> WordsPage:
    """Reads no words unless they are open."""
    source = Conversation.objects.filter(id=job.conversation_id).first()
    erased = source is None or source.erased_at is not None
    words_open = not erased and may_read(request) and opened.words_are_open(request, job.conversation_id)
    return WordsPage(
        erased=erased,
        may_read=may_read(request),
        words_open=words_open,
        rows=rows_of(job.conversation_id, job.result_id, turns) if words_open else (),
        inspect_reasons=inspect_reasons(),
        inspect_reason=opened.last_reason(request),
    )
