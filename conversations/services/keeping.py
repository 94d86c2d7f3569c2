"""What is kept of a conversation from here on: the choice of the one who speaks, and nobody else's."""

from typing import get_args
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from conversations.errors import Invalid, WrongState
from conversations.events import Keep, KeepChanged
from conversations.services import ending
from conversations.services.access import Actor, owned, record


def choose(conversation_id: str | UUID, keep: Keep, *, actor: Actor) -> None:
    """Every turn that begins from now on is kept so; what was kept before stays. The same choice again does nothing.

    Raises `ConversationNotFound`, `Invalid`, `WrongState` when it was erased.
    """
    if keep not in get_args(Keep):
        raise Invalid(f"What is kept is one of {', '.join(get_args(Keep))}.")
    conversation = owned(actor, conversation_id)
    if conversation.erased_at is not None:
        raise WrongState(_("The conversation was erased: begin a new one."))
    if conversation.keep != keep:
        record(conversation.id, KeepChanged(keep=keep), actor=actor)
        ending.tell_sessions(conversation.id)
