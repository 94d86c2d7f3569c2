"""Who may do what to which voice."""

from typing import Protocol
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from voices.errors import NotAllowed, VoiceNotFound
from voices.models import State, Voice


class Actor(Protocol):
    """The signed-in person (or guest) who asks: Django's user."""

    @property
    def pk(self) -> UUID: ...

    def has_perm(self, perm: str) -> bool: ...


def owned(actor: Actor, voice_id: str | UUID) -> Voice:
    """A voice of the actor's own that is not deleted. Raises `VoiceNotFound`."""
    return found(voice_id, owner__pk=actor.pk)


def reachable(actor: Actor, voice_id: str | UUID, permission: str = "view_voice") -> Voice:
    """The actor's own, one that is shared with everybody, a preset, or anybody's for one who holds the permission.

    Raises `VoiceNotFound`.
    """
    voice = found(voice_id)
    if voice.owner_id in {None, actor.pk} or voice.state == State.APPROVED or actor.has_perm(f"voices.{permission}"):
        return voice
    raise VoiceNotFound


def permitted(actor: Actor, voice_id: str | UUID, permission: str) -> Voice:
    """Anybody's voice, for one who holds ``voices.<permission>``. Raises `NotAllowed`, `VoiceNotFound`."""
    require(actor, permission)
    return found(voice_id, owner__isnull=False)


def require(actor: Actor, permission: str) -> None:
    """Raises `NotAllowed` unless the actor holds ``voices.<permission>``."""
    if not actor.has_perm(f"voices.{permission}"):
        raise NotAllowed(
            _("This needs the permission %(permission)s: ask an administrator for it."), permission=permission
        )


def found(voice_id: str | UUID, **conditions: object) -> Voice:
    """A voice that is not deleted. Raises `VoiceNotFound`."""
    try:
        return Voice.objects.exclude(state=State.DELETED).get(id=voice_id, **conditions)
    except (Voice.DoesNotExist, ValidationError, ValueError):
        raise VoiceNotFound from None
