"""A conversation to take along. Whoever calls has checked that it may be read. Blocking."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from django.utils import timezone
from django.utils.translation import gettext

from conversations.events import NOT_FOR_THE_OWNER
from conversations.exports.captions import captions
from conversations.log import store
from conversations.log.keys import KeyRing
from conversations.log.types import RecordedEvent
from conversations.models import Conversation
from conversations.reading import titled
from conversations.reading.exchanges import Exchange, read_exchanges, title_of
from conversations.replay.mix import as_heard
from conversations.selectors import view_of
from conversations.streams import stream_of

FORMAT = "avatar.conversation"
VERSION = 1
_AT_ONCE = 500


class ExportedEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact; ``version`` is that of its payload as it was stored, ``redacted``: its words were erased."""

    sequence: int
    event_id: str
    type: str
    version: int
    recorded_at: datetime
    payload: dict[str, Any]
    actor: str = ""
    session: str = ""
    turn: str = ""
    causation: str = ""
    redacted: bool = False


class ExportedConversation(msgspec.Struct, frozen=True):
    id: str
    title: str
    started_at: datetime
    updated_at: datetime
    language: str
    voice: str
    keep: str
    forked_from: str | None
    forked_at: str


def as_json(conversation: Conversation) -> Iterator[bytes]:
    """The events as they were stored, words in clear, as one JSON object in pieces: it may be long.

    ``{"format", "version", "exported_at", "conversation": ExportedConversation, "events": [ExportedEvent...]}``
    """
    stream = stream_of(str(conversation.id))
    about = ExportedConversation(
        id=str(conversation.id),
        title=titled.opened(conversation.id, KeyRing.load(stream, ())),
        started_at=conversation.started_at,
        updated_at=conversation.updated_at,
        language=conversation.language,
        voice=conversation.voice,
        keep=conversation.keep,
        forked_from=str(conversation.forked_from) if conversation.forked_from else None,
        forked_at=conversation.forked_at,
    )
    head = {"format": FORMAT, "version": VERSION, "exported_at": timezone.now(), "conversation": about}
    yield msgspec.json.encode(head)[:-1] + b',"events":['
    between, after = b"\n", 0
    while page := store.read_stream(stream, after, _AT_ONCE):
        events = [event for event in page if event.type not in NOT_FOR_THE_OWNER]
        if events:
            yield between + b",\n".join(msgspec.json.encode(_exported(event)) for event in events)
            between = b",\n"
        after = page[-1].sequence
    yield b"\n]}\n"


def as_text(conversation: Conversation) -> Iterator[bytes]:
    """What was said and what was heard, to be read, in the language that is active; UTF-8."""
    exchanges = read_exchanges(conversation)
    lines = [title_of(conversation, exchanges) or str(conversation.id), _moment(conversation.started_at), ""]
    for exchange in exchanges:
        lines += _spoken_lines(exchange)
    yield ("\n".join(lines).rstrip() + "\n").encode()


def as_webvtt(conversation: Conversation) -> Iterator[bytes]:
    """Captions to `as_opus`: what was heard, where it was heard; UTF-8."""
    yield captions(view_of(conversation)).encode()


def as_opus(conversation: Conversation, *, skip_pauses: bool = False) -> Iterator[bytes]:
    """The whole conversation as it was heard, both voices, one Ogg Opus file in pieces."""
    return as_heard(view_of(conversation), skip_pauses=skip_pauses).chunks()


def _spoken_lines(exchange: Exchange) -> Iterator[str]:
    at = timezone.localtime(exchange.at).strftime("%H:%M:%S")
    if exchange.removed:
        yield f"[{at}] ({gettext('removed')})"
        yield ""
        return
    if exchange.user_text:
        yield f"[{at}] {gettext('You')}: {exchange.user_text}"
    if exchange.heard_text or exchange.unheard_text:
        cut = f" [{gettext('cut off')}]" if exchange.cut else ""
        yield f"[{at}] AVATAR: {exchange.heard_text}{cut}"
    yield ""


def _exported(event: RecordedEvent) -> ExportedEvent:
    metadata = event.metadata
    return ExportedEvent(
        sequence=event.sequence,
        event_id=str(event.event_id),
        type=event.type,
        version=event.version,
        recorded_at=event.recorded_at,
        payload={name: value for name, value in event.payload.items() if name != "note"},
        actor=metadata.actor,
        session=metadata.session,
        turn=metadata.correlation,
        causation=metadata.causation,
        redacted=event.redacted,
    )


def _moment(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M %Z")
