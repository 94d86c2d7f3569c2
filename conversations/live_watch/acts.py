"""What a watcher may do to a session from its page, and the doing of it through the services."""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from conversations.errors import Invalid, SessionNotFound
from conversations.models import Session
from conversations.services import live, moderation, people

_NEEDS = {
    "mute": "conversations.mute_session",
    "unmute": "conversations.mute_session",
    "end": "conversations.cut_session",
    "flag": "conversations.flag_conversation",
    "block": people.PERMISSION,
}


class Wish(msgspec.Struct, frozen=True):
    """What the form says. ``note`` is kept with a flag or a block, encrypted."""

    action: str
    reason: str
    note: str = ""

    @classmethod
    def of(cls, form: Mapping[str, Any]) -> "Wish":
        return cls(*(str(form.get(name, ""))[:4000] for name in ("action", "reason", "note")))


def allowed(user: Any, person: Any) -> dict[str, bool]:
    """Which of the acts the page offers to this moderator; the services decide again."""
    may = {action: bool(user.has_perm(permission)) for action, permission in _NEEDS.items()}
    return may | {"block": may["block"] and person.pk != user.pk and (user.is_superuser or not person.is_staff)}


def carry_out(session_id: str, actor: Any, wish: Wish) -> None:
    """Raises `conversations.errors.Refused`, `ConversationNotFound`, `PersonNotFound`."""
    session = Session.objects.select_related("conversation").filter(session_id=session_id).first()
    if session is None:
        raise SessionNotFound
    if not wish.reason:
        raise Invalid(_("Choose a reason first: it stands in the record."))
    match wish.action:
        case "mute":
            live.mute(session_id, actor=actor, reason=wish.reason)
        case "unmute":
            live.unmute(session_id, actor=actor, reason=wish.reason)
        case "end":
            live.cut(session_id, actor=actor, reason=wish.reason)
        case "flag":
            moderation.flag(session.conversation_id, actor=actor, reason=wish.reason, note=wish.note)
        case "block":
            people.block(session.conversation.owner_id, actor=actor, reason=wish.reason, note=wish.note)
        case _:
            raise Invalid(_("There is no such action."))
