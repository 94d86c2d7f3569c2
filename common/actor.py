"""Who asks."""

from typing import Protocol
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from common.refusals import NotAllowed


class Actor(Protocol):
    """The signed-in person (or guest) who asks: Django's user."""

    @property
    def pk(self) -> UUID: ...

    def has_perm(self, perm: str) -> bool: ...


def require(actor: Actor, permission: str) -> None:
    """``permission`` with its app, as in ``voices.approve_voice``. Raises `NotAllowed` unless the actor holds it."""
    if not actor.has_perm(permission):
        raise NotAllowed(
            _("This needs the permission %(permission)s: ask an administrator for it."),
            permission=permission.partition(".")[2],
        )
