"""What of a fact is stored: the person's choice and the turn's fate decide, in the append's own transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from django.utils.translation import gettext_lazy as _

from conversations.errors import WrongState
from conversations.events import Fact
from conversations.log import store
from conversations.log.facts import new_event as whole_event
from conversations.log.prepared import Select
from conversations.log.types import Appended, Metadata, NewEvent
from conversations.models import Conversation, Keep, Turn
from conversations.streams import conversation_of

_conversation = Select(Conversation, "id")
_turn = Select(Turn, "conversation", "turn_id")
_AUDIO = "audio_id"
_WITHOUT_SOUND = {_AUDIO: "", "sound_ms": None}


@dataclass(frozen=True, slots=True)
class Kept:
    """What an append has stored. ``dropped``: sounds that were already on disk and that no fact names now."""

    appended: Appended
    dropped: tuple[str, ...] = ()


def keep_of(stream: str, turn_id: str) -> Keep:
    """What may be stored of a turn; blocking, to be asked in the writer's transaction.

    A turn has the choice that held when its first fact was stored: an answer repeats what was asked, so both are kept
    or neither. Of a turn that was redacted, or a conversation that was erased, nothing is stored any more.
    """
    conversation_id = UUID(conversation_of(stream))
    turn = _turn.first(conversation_id, turn_id) if turn_id else None
    if turn is not None:
        return Keep.NOTHING if turn.redacted else Keep(turn.keep)
    conversation = _conversation.first(conversation_id)
    if conversation is None or conversation.erased_at is not None:
        return Keep.NOTHING
    return Keep(conversation.keep)


def append(
    stream: str,
    expected_sequence: int | None,
    facts: Sequence[Fact],
    metadata: Metadata,
    idempotency_key: str | None = None,
    origin: str = "",
) -> Kept:
    """`store.append` of the facts, without the words and sounds that are not to be kept.

    ``origin`` is the stream that the turn was taken from. Raises `WrongState` when nothing of it is kept there any
    more; when its sound is not, no sound is stored.
    """
    keep = Keep.SOUND
    if any(fact.personal or getattr(fact, _AUDIO, "") for fact in facts):
        keep = keep_of(stream, metadata.correlation)
    if origin:
        there = keep_of(origin, metadata.correlation)
        if there == Keep.NOTHING:
            raise WrongState(_("The turn was redacted, or its conversation erased: nothing of it can be taken over."))
        keep = there if keep == Keep.SOUND else keep
    events = [new_event(fact, metadata, keep) for fact in facts]
    if keep == Keep.NOTHING:
        # The key would be compared by a MAC under the turn's words key: there is none, or it was destroyed.
        idempotency_key = None
    appended = store.append(stream, expected_sequence, events, idempotency_key)
    if keep == Keep.SOUND:
        return Kept(appended)
    return Kept(appended, tuple(audio_id for fact in facts if (audio_id := getattr(fact, _AUDIO, ""))))


def new_event(fact: Fact, metadata: Metadata, keep: Keep = Keep.SOUND) -> NewEvent:
    """A fact as the log takes it; what is not to be kept is empty in it, and needs no key."""
    event = whole_event(fact, metadata)
    if keep == Keep.SOUND:
        return event
    payload = dict(event.payload)
    payload |= {name: empty for name, empty in _WITHOUT_SOUND.items() if name in payload}
    if keep == Keep.TEXT:
        return msgspec.structs.replace(event, payload=payload)
    payload |= {name: type(payload[name])() for name in fact.personal}
    return msgspec.structs.replace(event, payload=payload, personal=frozenset())
