"""Whose a conversation may be."""

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from conversations.errors import UnknownOwner
from conversations.models import Conversation


def require_owner(conversation: Conversation) -> None:
    """Raises `UnknownOwner` now: a foreign key is only checked when all waiting appends commit together."""
    try:
        known = get_user_model()._default_manager.filter(pk=conversation.owner_id).exists()
    except (ValidationError, ValueError):
        known = False
    if not known:
        raise UnknownOwner(f"A conversation cannot start for {conversation.owner_id}: there is no such person.")


def require_active(owner_id: str) -> None:
    """For what begins now, not for a rebuild: raises `UnknownOwner` unless the person is there and not blocked."""
    try:
        active = get_user_model()._default_manager.filter(pk=owner_id, is_active=True).exists()
    except (ValidationError, ValueError):
        active = False
    if not active:
        raise UnknownOwner(f"Nobody can talk as {owner_id}: there is no such person, or they were blocked.")
