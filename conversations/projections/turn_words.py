"""A turn's words in the read model: where they lie sealed, and how they are opened."""

from uuid import UUID

import structlog

from conversations.log.crypto import BoxDamaged
from conversations.log.keys import KeyRing
from conversations.models import Turn
from conversations.projections import words
from conversations.projections.words import TurnWords

log = structlog.get_logger(__name__)


def open_words(turn: Turn, ring: KeyRing) -> TurnWords | None:
    """A turn's words; None when it has none, they were erased, or what is stored is damaged (a rebuild repairs it)."""
    try:
        return unseal_words(turn, ring)
    except BoxDamaged:
        log.warning("words_damaged", conversation=str(turn.conversation_id), turn=turn.turn_id)
        return None


def unseal_words(turn: Turn, ring: KeyRing) -> TurnWords | None:
    """As `open_words`, but raises `BoxDamaged`."""
    if turn.sealed_words is None:
        return None
    sealed = bytes(turn.sealed_words)
    if len(sealed) < 16:
        raise BoxDamaged
    key = ring.find(UUID(bytes=sealed[:16]))
    return words.unseal(sealed, key, place(turn)) if key is not None else None


def place(turn: Turn) -> str:
    """What a turn's box is bound to."""
    return f"{turn.conversation_id}|{turn.turn_id}"
