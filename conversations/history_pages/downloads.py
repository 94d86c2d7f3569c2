"""Exports over HTTP: read piece by piece, so that a long conversation is never in memory as a whole."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import UUID

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import get_language, override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from common.pages import actor_of
from conversations.errors import ConversationNotFound
from conversations.exports import documents
from conversations.exports.filenames import attachment
from conversations.log.eventlog import event_log
from conversations.log.serving import AT_ONCE_BYTES, PACED_BYTES_PER_S
from conversations.models import Conversation
from conversations.reading.exchanges import read_exchanges, title_of
from conversations.services.access import Actor, owned

FORMS: dict[str, tuple[str, Callable[[Conversation], Iterator[bytes]]]] = {
    "json": ("application/json", documents.as_json),
    "txt": ("text/plain; charset=utf-8", documents.as_text),
    "vtt": ("text/vtt; charset=utf-8", documents.as_webvtt),
    "opus": ("audio/ogg", documents.as_opus),
}


class ExportBroken(Exception):
    """The database went away in the middle: the download ends without its end, so that nobody takes it for whole."""


@never_cache
@require_safe
async def export(request: HttpRequest, conversation_id: UUID, form: str) -> StreamingHttpResponse:
    """``form``: json, txt, vtt or opus."""
    if form not in FORMS:
        raise Http404("There is no such form.")
    await request.auser()
    actor = actor_of(request)
    try:
        conversation, name = await event_log().read(lambda: _found(actor, conversation_id))
    except ConversationNotFound as error:
        raise Http404(str(error)) from error
    return downloaded(conversation, form, name)


def downloaded(conversation: Conversation, form: str, name: str) -> StreamingHttpResponse:
    """The response that brings it, for a caller that has asked who may have it; in the language active now."""
    content_type, made = FORMS[form]
    response = StreamingHttpResponse(_pieces(made, conversation, get_language()), content_type=content_type)
    response["Content-Disposition"] = attachment(name, form)
    return response


def name_of(conversation: Conversation) -> str:
    """What the file is called: the day, and the title."""
    day = timezone.localtime(conversation.started_at).strftime("%Y-%m-%d")
    return f"{day} {title_of(conversation, read_exchanges(conversation, 1, 3))}".strip()


def _found(actor: Actor, conversation_id: UUID) -> tuple[Conversation, str]:
    conversation = owned(actor, conversation_id)
    if conversation.erased_at is not None:
        raise ConversationNotFound
    return conversation, name_of(conversation)


async def _pieces(
    made: Callable[[Conversation], Iterator[bytes]], conversation: Conversation, language: str | None = None
) -> AsyncIterator[bytes]:
    """Paced like recordings: nobody tells us how fast it is taken, and what is not taken waits in memory."""
    loop, log = asyncio.get_running_loop(), event_log()
    pieces = _Pieces(await log.read(lambda: iter(made(conversation))), language)
    began, sent = loop.time(), 0
    while (piece := await log.in_files_thread(pieces.next)) is not None:
        yield piece
        sent += len(piece)
        due = began + (sent - AT_ONCE_BYTES) / PACED_BYTES_PER_S
        if due > loop.time():
            await asyncio.sleep(due - loop.time())


class _Pieces:
    """An iterator that is not taken for ended when it broke and is asked once more (`log.outage.persistently`)."""

    def __init__(self, iterator: Iterator[bytes], language: str | None = None) -> None:
        self._iterator = iterator
        self._language = language
        self._broken = False

    def next(self) -> bytes | None:
        """None at the end."""
        if self._broken:
            raise ExportBroken
        self._broken = True
        with override(self._language):  # the thread that makes it has none of its own
            piece = next(self._iterator, None)
        self._broken = False
        return piece
