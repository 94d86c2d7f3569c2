"""Who may do what to which voice."""

from uuid import UUID

from django.core.exceptions import ValidationError

from common import actor as actors
from common.actor import Actor
from voices.errors import VoiceNotFound
from voices.models import State, Voice

__all__ = ["Actor", "found", "owned", "permitted", "reachable", "require"]


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
    actors.require(actor, f"voices.{permission}")


def found(voice_id: str | UUID, **conditions: object) -> Voice:
    """A voice that is not deleted. Raises `VoiceNotFound`."""
    try:
        return Voice.objects.exclude(state=State.DELETED).get(id=voice_id, **conditions)
    except (Voice.DoesNotExist, ValidationError, ValueError):
        raise VoiceNotFound from None
