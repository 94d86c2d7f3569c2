"""Blocking a person: they may not come in, their sessions end, and the record says who did it and why."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session as StoredSession
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from common.reasons import checked, checked_note
from conversations.errors import Invalid, NotAllowed, PersonNotFound
from conversations.events import Fact
from conversations.log import store
from conversations.log.eventlog import event_log
from conversations.log.types import Metadata
from conversations.people_events import PersonBlocked, PersonUnblocked, person_stream
from conversations.record import new_event
from conversations.services.access import Actor
from conversations.services.live import cut_all_of
from voices import services as voices

PERMISSION = "avatar_project.block_person"
BLOCKED = "blocked"
"""The reason of the sessions that end with it."""


def block(user_id: str | UUID, *, actor: Actor, reason: str, note: str = "") -> int:
    """Keeps a person out from now on, and ends their live sessions; returns how many there were.

    Blocked already: nothing happens. Nobody blocks themselves, and only a superuser blocks somebody of the staff.
    Raises `NotAllowed`, `PersonNotFound`, `Invalid`.
    """
    _require(actor)
    if str(user_id) == str(actor.pk):
        raise Invalid(_("Nobody can block themselves."))
    if _change(user_id, False, PersonBlocked(reason=checked(reason), note=checked_note(note)), actor):
        voices.stop_all_of(user_id, reason=BLOCKED)
        return cut_all_of(user_id, actor=actor, reason=BLOCKED)
    return 0


def unblock(user_id: str | UUID, *, actor: Actor, reason: str, note: str = "") -> None:
    """Lets a person come in again; who has a password signs in anew. Raises as `block` does."""
    _require(actor)
    fact = PersonUnblocked(reason=checked(reason), note=checked_note(note))
    _change(user_id, True, fact, actor, also=_forget_sign_ins)


def _require(actor: Actor) -> None:
    if not actor.has_perm(PERMISSION):
        raise NotAllowed(_("This needs the permission block_person: ask an administrator for it."))


def _change(
    user_id: str | UUID, active: bool, fact: Fact, actor: Actor, *, also: Callable[[Any], None] = lambda _: None
) -> bool:
    """The row and the fact in one transaction; False when it was so before."""

    def work() -> bool:
        users = get_user_model()
        try:
            person = users._default_manager.get(pk=user_id)
        except (users.DoesNotExist, ValidationError, ValueError):
            raise PersonNotFound from None
        if person.is_staff and not users._default_manager.filter(pk=actor.pk, is_superuser=True).exists():
            raise NotAllowed(_("Only a superuser can block somebody of the staff."))
        if person.is_active == active:
            return False
        person.is_active = active
        person.save(update_fields=["is_active"])
        also(person)
        store.append(person_stream(person.pk), store.ANY, [new_event(fact, Metadata(actor=str(actor.pk)))])
        return True

    return event_log().write_now(work)


def _forget_sign_ins(person: Any) -> None:
    """Old cookies must not come alive again. A guest has nothing but the cookie, and keeps it."""
    if not person.has_usable_password():
        return
    for session in StoredSession.objects.iterator():
        if session.get_decoded().get(SESSION_KEY) == str(person.pk):
            session.delete()
