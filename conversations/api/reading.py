"""A conversation's turns, some at a time, with their words."""

import msgspec

from conversations import selectors
from conversations.api.base import conversation_path
from conversations.models import Conversation, Turn


class Turns(msgspec.Struct, frozen=True):
    """``next_turns``: the address of those that follow, None when there are none."""

    turns: tuple[selectors.TurnView, ...]
    next_turns: str | None


def turns_of(conversation: Conversation, *, after: int, limit: int) -> Turns:
    """At most ``limit`` turns with a number above ``after``. Two queries."""
    found = list(Turn.objects.filter(conversation=conversation, number__gt=after).order_by("number")[: limit + 1])
    shown = found[:limit]
    more = len(found) > limit
    address = f"{conversation_path(conversation.id)}turns/?after={shown[-1].number}&limit={limit}" if more else None
    return Turns(selectors.read_turns(conversation.id, shown), address)
