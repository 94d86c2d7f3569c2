"""The form of what a moderator can do: what it is called, who may, what it asks for, and what follows.

The admin's pages draw buttons, confirmations and bulk actions from these; the services do the work and decide.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from django.db.models import TextChoices
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.texts import Text
from conversations.services.access import Actor

AMONG_MODERATORS = _("For other moderators. It is kept encrypted with the conversation and dies with it.")


@dataclass(frozen=True, slots=True)
class Subject:
    """What something is done to: a conversation, and within it a turn, a flag or a session named by ``part``.

    Of a person ``part`` is the id, and there is no conversation.
    """

    conversation_id: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why, as the moderator gave it."""

    reason: str
    note: str = ""


Run = Callable[[Subject, Actor, Cause], object]
"""Does it. Raises `common.refusals.Refused`, `common.refusals.NotFound`, `log.errors.LogError`."""


class Service(Protocol):
    """What does something to one thing, named by its id."""

    def __call__(self, named: str, /, *, actor: Actor, reason: str) -> object: ...


class NotedService(Protocol):
    """One that keeps a note with it."""

    def __call__(self, named: str, /, *, actor: Actor, reason: str, note: str) -> object: ...


def to_part(service: Service) -> Run:
    """Does what the service does to the subject's part."""
    return lambda subject, actor, cause: service(subject.part, actor=actor, reason=cause.reason)


def to_part_noted(service: NotedService) -> Run:
    """The same, and the note goes along."""
    return lambda subject, actor, cause: service(subject.part, actor=actor, reason=cause.reason, note=cause.note)


@dataclass(frozen=True, slots=True)
class Deed:
    """``question`` and ``follows`` are what a person reads before they confirm; ``done`` is what they read after."""

    name: str
    permission: str
    label: Text
    question: Text
    follows: Text
    done: Text
    reasons: type[TextChoices]
    run: Run
    noted: bool = True
    """The record keeps a note with it, sealed with what it is about."""
    note_for: Text = AMONG_MODERATORS
    """Who reads the note, and how long it lives: whoever writes one has to know."""
    final: bool = False
    """Nobody can take it back."""

    def allowed(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.permission)
