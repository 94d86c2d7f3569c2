"""Titles that conversations were given: sealed under the conversation's own words key, so they die with it."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.utils import timezone

from conversations.history_tables import Title
from conversations.log import crypto
from conversations.log.keys import KeyRing
from conversations.log.models import Purpose
from conversations.streams import stream_of

_DEFAULT = 64


def opened(conversation_id: UUID, ring: KeyRing) -> str:
    """The title that was given; empty when there is none, or its key is gone."""
    row = Title.objects.filter(conversation_id=conversation_id).first()
    return _open(row, ring) if row is not None else ""


def opened_many(conversation_ids: Iterable[UUID], rings: Mapping[str, KeyRing]) -> dict[UUID, str]:
    """The titles of many conversations in one query; ``rings`` by stream, each with the stream's own keys."""
    rows = Title.objects.filter(conversation_id__in=list(conversation_ids))
    return {row.conversation_id: _open(row, rings[stream_of(str(row.conversation_id))]) for row in rows}


def save(conversation_id: UUID, title: str) -> None:
    """In the writer's transaction, where keys are made. Raises `KeyDestroyed` once the conversation was erased."""
    key = KeyRing.load(stream_of(str(conversation_id)), ()).data_key("", Purpose.WORDS, create=True)
    box = crypto.seal(key.secret, title.encode(), _place(conversation_id))
    Title(conversation_id=conversation_id, sealed=key.id.bytes + box, changed_at=timezone.now()).save()


def forget(conversation_id: UUID | str) -> None:
    Title.objects.filter(conversation_id=conversation_id).delete()


def first_words(*texts: str) -> str:
    """A title from what was said first, cut at a word; empty when nothing was."""
    text = " ".join(next((text for text in texts if text.strip()), "").split())
    if len(text) <= _DEFAULT:
        return text
    cut = text.rfind(" ", _DEFAULT // 2, _DEFAULT)
    return text[: cut if cut > 0 else _DEFAULT] + "…"


def _open(row: Title, ring: KeyRing) -> str:
    sealed = bytes(row.sealed)
    key = ring.find(UUID(bytes=sealed[:16]))
    return crypto.unseal(key.secret, sealed[16:], _place(row.conversation_id)).decode() if key is not None else ""


def _place(conversation_id: UUID) -> bytes:
    return f"title|{conversation_id}".encode()
