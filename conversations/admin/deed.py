"""The form of what a moderator can do: what it is called, who may, what it asks for, and what follows.

The admin's pages draw buttons, confirmations and bulk actions from these; the services do the work and decide.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import TextChoices
from django.http import HttpRequest

from conversations.admin.labels import Text
from conversations.services.access import Actor


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
"""Does it. Raises `errors.Refused`, `errors.ConversationNotFound`, `log.errors.LogError`."""


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
    """The record keeps a note with it, sealed with the conversation."""
    final: bool = False
    """Nobody can take it back."""

    def allowed(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.permission)


def actor_of(request: HttpRequest) -> Actor:
    """Who asks: the admin has let nobody else in than a signed-in person."""
    return request.user  # type: ignore[return-value]
