"""Erasing for good: a turn, a conversation, or a person. Each may be called again, and then finishes what is left.

``actor`` is None for the system itself (retention); ``reason`` is a short code that stays in the record.
"""

import json
from collections.abc import Iterable
from functools import partial
from typing import get_args
from uuid import UUID

import structlog
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from common.reasons import checked
from conversations import schedules
from conversations.errors import ConversationNotFound, Invalid, NotAllowed, PersonNotFound, WrongState
from conversations.events import ConversationHidden
from conversations.keeping.kept import new_event
from conversations.keeping.lineage import copies_of
from conversations.log import keys, scrub, store
from conversations.log.eventlog import event_log
from conversations.log.models import Event
from conversations.log.types import Metadata
from conversations.models import Conversation
from conversations.people_events import PersonErased, person_stream
from conversations.rerun_tables import RerunJob
from conversations.services import burial
from conversations.services.access import Actor, owned_or_permitted
from conversations.services.burial import What
from conversations.signals import person_forgotten, person_leaving
from conversations.streams import stream_of
from voices import services as voices

FINISH = "conversations.tasks.finish_person"
FINISH_AFTER_MINUTES = 10
"""Long after the call has finished everything itself, if nothing killed it."""
ERASE_PERSON = "avatar_project.erase_person"
RERUN = "rerun"
"""Why a re-run is hidden (`conversations.rerun.fork`)."""
log = structlog.get_logger(__name__)


def erase_conversation(conversation_id: str | UUID, *, actor: Actor | None, reason: str) -> None:
    """Erases all that was said in a conversation; its live sessions end.

    Forks of its owner's stay: they are conversations of their own. Copies that the owner could not erase go with it:
    those that belong to others, and re-runs that were made behind the owner's back.
    Raises `ConversationNotFound`, `Invalid`, `log.errors.LogError` (call again).
    """
    conversation = _reached(conversation_id, actor, "erase_conversation")
    checked(reason)
    burial.bury(conversation.id, actor_id=_id_of(actor), reason=reason)
    for one in _unreachable_copies([conversation]):  # asked now: of what is erased no copy can be begun
        burial.bury(one.id, actor_id=_id_of(actor), reason=reason)
    scrub.empty_journal()


def redact_turn(
    conversation_id: str | UUID, turn_id: str, *, actor: Actor | None, reason: str, what: What = "all"
) -> None:
    """Takes words and sound of one turn away, or the sound alone, in forks too; a live session forgets them as well.

    Raises `ConversationNotFound`, `Invalid`, `WrongState` when the conversation was erased, `log.errors.LogError`.
    """
    conversation = _reached(conversation_id, actor, "redact_turn")
    checked(reason)
    if what not in get_args(What):
        raise Invalid(f"What is redacted is one of {', '.join(get_args(What))}.")
    burial.redact(conversation.id, turn_id, actor_id=_id_of(actor), reason=reason, what=what)
    scrub.empty_journal()


def erase_person(user_id: str | UUID, *, actor: Actor | None, reason: str) -> None:
    """Erases a person: conversations, voices, keys of programs, sessions, name. An opaque id stays.

    Everybody may erase themselves; another takes the permission erase_person, and somebody of the staff a
    superuser. The account is closed first, so that nothing new begins. Raises `NotAllowed`, `PersonNotFound`,
    `Invalid`, `WrongState` for the last administrator, `log.errors.LogError` (call again).
    """
    if actor is not None and str(actor.pk) != str(user_id):
        _require_erase_person(actor)
    checked(reason)
    person = _person(user_id, actor)
    actor_id = _id_of(actor)
    promise = schedules.later(FINISH, (str(person), actor_id, reason), minutes=FINISH_AFTER_MINUTES)
    finish_person(person, actor_id, reason)
    promise.delete()


def finish_person(person: UUID, actor_id: str, reason: str) -> None:
    """`erase_person` without asking who may: after a kill the task cluster goes on with what is left."""
    person_leaving.send(sender=erase_person, user_id=person)
    while not event_log().write_now(partial(_bury_person, person, Metadata(actor=actor_id), reason)):
        theirs = list(Conversation.objects.filter(owner__pk=person, erased_at__isnull=True))
        for conversation in (*theirs, *_unreachable_copies(theirs)):
            burial.bury(conversation.id, actor_id=actor_id, reason=reason)
        voices.erase_all_of(person, actor_id=actor_id, reason=reason)
    # Of those that were erased before a kill, the files may still be there.
    for conversation in Conversation.objects.filter(owner__pk=person):
        burial.remove_sounds(conversation.id)
    scrub.empty_journal()
    log.info("person_erased", person=str(person), reason=reason)


def _require_erase_person(actor: Actor) -> None:
    if not actor.has_perm(ERASE_PERSON):
        raise NotAllowed(_("This needs the permission erase_person: ask an administrator for it."))


def _id_of(actor: Actor | None) -> str:
    return str(actor.pk) if actor is not None else ""


def _unreachable_copies(conversations: Iterable[Conversation]) -> list[Conversation]:
    owners = {one.id: one.owner_id for one in conversations}
    return [copy for copy in copies_of(owners) if copy.owner_id not in owners.values() or _is_rerun(copy)]


def _is_rerun(copy: Conversation) -> bool:
    """Hidden from its owner from the first moment on; what a moderator hid later is not for its owner to erase."""
    hidden = Event.objects.filter(stream=stream_of(str(copy.id)), type=ConversationHidden.type).order_by("sequence")
    payload = hidden.values_list("payload", flat=True).first()
    return copy.hidden and payload is not None and json.loads(payload)["reason"] == RERUN


def _bury_person(person: UUID, metadata: Metadata, reason: str) -> bool:
    """In the writer's transaction; False while there are conversations left."""
    theirs = Conversation.objects.filter(owner__pk=person)
    if theirs.filter(erased_at__isnull=True).exists() or voices.any_left_of(person):
        return False
    stream = person_stream(person)
    if not Event.objects.filter(stream=stream, type=PersonErased.type).exists():
        fact = PersonErased(reason=reason, conversations=theirs.count())
        store.append(stream, store.ANY, [new_event(fact, metadata)])
    keys.destroy(stream)
    RerunJob.objects.filter(owner_id=person).delete()  # what they asked of models, in clear
    person_forgotten.send(sender=erase_person, user_id=person)
    return True


def _person(user_id: str | UUID, actor: Actor | None) -> UUID:
    people = get_user_model()._default_manager
    try:
        person = people.get(pk=user_id)
    except (get_user_model().DoesNotExist, ValidationError, ValueError):
        raise PersonNotFound from None
    asks = person.pk if actor is None else actor.pk
    if person.is_staff and asks != person.pk and not people.filter(pk=asks, is_superuser=True).exists():
        raise NotAllowed(_("Only a superuser can erase somebody of the staff."))
    others = people.filter(is_superuser=True, is_active=True).exclude(pk=person.pk)
    if person.is_superuser and person.is_active and not others.exists():
        raise WrongState(_("This is the last administrator: make another one first (manage.py createsuperuser)."))
    return UUID(str(person.pk))


def _reached(conversation_id: str | UUID, actor: Actor | None, permission: str) -> Conversation:
    if actor is not None:
        return owned_or_permitted(actor, conversation_id, permission)
    try:
        return Conversation.objects.get(id=conversation_id)
    except (Conversation.DoesNotExist, ValidationError, ValueError):
        raise ConversationNotFound from None
