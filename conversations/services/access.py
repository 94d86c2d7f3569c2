"""Who may do what to which conversation, and how it is written down."""

from uuid import UUID

from django.core.exceptions import ValidationError

from common import actor as actors
from common.actor import Actor
from conversations.errors import ConversationNotFound
from conversations.events import Fact
from conversations.log import keys, store
from conversations.log.eventlog import event_log
from conversations.log.types import Appended, Metadata
from conversations.models import Conversation
from conversations.record import new_event
from conversations.streams import stream_of

__all__ = ["Actor", "owned", "owned_or_permitted", "permitted", "record", "require"]


def owned(actor: Actor, conversation_id: str | UUID) -> Conversation:
    """A conversation of the actor's own, hidden ones apart. Raises `ConversationNotFound`."""
    return _get(conversation_id, owner__pk=actor.pk, hidden=False)


def permitted(actor: Actor, conversation_id: str | UUID, permission: str) -> Conversation:
    """Anybody's conversation, for one who holds ``conversations.<permission>``.

    Raises `NotAllowed`, `ConversationNotFound`.
    """
    require(actor, permission)
    return _get(conversation_id)


def owned_or_permitted(actor: Actor, conversation_id: str | UUID, permission: str) -> Conversation:
    """The actor's own conversation, or anybody's for one who holds the permission. Raises `ConversationNotFound`."""
    if actor.has_perm(f"conversations.{permission}"):
        return _get(conversation_id)
    return owned(actor, conversation_id)


def require(actor: Actor, permission: str) -> None:
    """Raises `NotAllowed` unless the actor holds ``conversations.<permission>``."""
    actors.require(actor, f"conversations.{permission}")


def record(
    conversation_id: str | UUID, *facts: Fact, actor: Actor | None, idempotency_key: str | None = None
) -> Appended:
    """Appends facts about a conversation as a whole; ``actor`` is None for the system itself.

    Of an erased conversation no repetition is known: the key is compared under a key that was destroyed.
    Raises `conversations.log.errors.LogError`.
    """
    metadata = Metadata(actor=str(actor.pk) if actor is not None else "")
    events = [new_event(fact, metadata) for fact in facts]
    stream = stream_of(str(conversation_id))

    def work() -> Appended:
        key = None if idempotency_key is None or keys.are_gone(stream) else idempotency_key
        return store.append(stream, store.ANY, events, key)

    return event_log().write_now(work)


def _get(conversation_id: str | UUID, **conditions: object) -> Conversation:
    try:
        return Conversation.objects.get(id=conversation_id, **conditions)
    except (Conversation.DoesNotExist, ValidationError, ValueError):
        raise ConversationNotFound from None
