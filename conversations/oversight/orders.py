"""What a live session is told from outside: to be silent, to go on, to forget a turn, to end.

Read from the log; a message only says that there is something to read.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from functools import partial
from typing import Any, Literal

import msgspec

from conversations.events import (
    ConversationErased,
    ConversationHidden,
    Fact,
    KeepChanged,
    SessionClosed,
    SessionCut,
    SessionMuted,
    SessionOpened,
    TurnRedacted,
    decode_fact,
)
from conversations.log import store
from conversations.log.eventlog import event_log
from conversations.log.models import Event
from conversations.models import Session
from conversations.oversight.broadcast import listening, session_group
from conversations.oversight.presence import LOST
from conversations.services.access import record
from conversations.streams import stream_of

LOOK_S = 2.0
"""How long an order may take that no poke has brought."""
ERASED = "erased"
RESUMED = "resumed"
"""Why a session is muted that goes on with a muted one's conversation."""
_NEWEST = 20
_FACTS = (SessionMuted, SessionCut, SessionClosed, ConversationErased, ConversationHidden, TurnRedacted, KeepChanged)
_TYPES = tuple(fact.type for fact in _FACTS)


class Order(msgspec.Struct, frozen=True):
    """``reason``: the moderator's code, or `ERASED`, `RESUMED`, `presence.LOST`.

    ``forget``: the turn ``turn_id`` was redacted, and is to leave the model's context. ``keep``: its owner chose
    elsewhere what is kept from now on, and ``reason`` is that choice.
    """

    kind: Literal["mute", "unmute", "end", "forget", "keep"]
    reason: str
    turn_id: str = ""


async def orders(conversation_id: str, session_id: str) -> AsyncGenerator[Order, None]:
    """The orders to a session, as they come, until it is told to end or the iterator is closed.

    Raises `conversations.log.errors.LogError` when the log cannot be read.
    """
    log = event_log()
    async with listening(session_group(session_id)) as ear:
        after, standing = await log.read(lambda: _standing(conversation_id, session_id))
        if standing is not None:
            yield standing
        while True:
            poke = await ear.wait(LOOK_S)
            after, told = await log.read(partial(read_orders, conversation_id, session_id, after))
            if not told and poke is not None and poke.order == "end":
                told = (Order("end", poke.reason),)
            for order in _in_the_end(told):
                yield order
                if order.kind == "end":
                    return


def read_orders(conversation_id: str, session_id: str, after: int) -> tuple[int, tuple[Order, ...]]:
    """The stream's last sequence, and the orders to the session after sequence ``after``."""
    stream = stream_of(conversation_id)
    last = store.last_sequence(stream)
    if last == after:
        return after, ()
    rows = Event.objects.filter(stream=stream, sequence__gt=after, sequence__lte=last, type__in=_TYPES)
    # What a client chose in this very session it knows.
    rows = rows.exclude(type=KeepChanged.type, metadata__contains=f'"session":"{session_id}"')
    facts = (_decoded(*row) for row in rows.order_by("sequence").values_list("type", "version", "payload"))
    found = (_order(fact, session_id) for fact in facts)
    return last, tuple(order for order in found if order is not None)


def _in_the_end(told: Sequence[Order]) -> Iterator[Order]:
    """What is left to do of orders that come together: of mute and unmute the last."""
    mutes = [order for order in told if order.kind in {"mute", "unmute"}]
    yield from mutes[-1:]
    yield from (order for order in told if order.kind not in {"mute", "unmute"})


def _standing(conversation_id: str, session_id: str) -> tuple[int, Order | None]:
    """Where to read on, and whether the session begins muted: who comes back to a muted conversation stays muted."""
    after = opened_at(stream_of(conversation_id), session_id)
    sessions = Session.objects.filter(conversation_id=conversation_id)
    before = sessions.exclude(session_id=session_id).order_by("-opened_at").first()
    if before is None or not before.muted or not sessions.filter(session_id=session_id, muted=False).exists():
        return after, None
    fact = SessionMuted(session_id=session_id, muted=True, reason=RESUMED)
    return record(conversation_id, fact, actor=None).last, Order("mute", fact.reason)


def opened_at(stream: str, session_id: str) -> int:
    """The sequence of the session's own beginning: nothing before it can be meant for it."""
    opened = Event.objects.filter(stream=stream, type=SessionOpened.type).order_by("-sequence")
    for sequence, payload in opened.values_list("sequence", "payload")[:_NEWEST]:
        if msgspec.json.decode(payload)["session_id"] == session_id:
            return sequence
    return store.last_sequence(stream)


def _decoded(type_: str, version: int, payload: str) -> Fact:
    clear: dict[str, Any] = msgspec.json.decode(payload)
    return decode_fact(type_, version, clear)


def _order(fact: Fact, session_id: str) -> Order | None:
    match fact:
        case SessionMuted(session_id=named, muted=muted, reason=reason) if named == session_id:
            return Order("mute" if muted else "unmute", reason)
        case SessionCut(session_id=named, reason=reason) if named == session_id:
            return Order("end", reason)
        case SessionClosed(session_id=named) if named == session_id:
            return Order("end", LOST)
        case _:
            return _order_to_all(fact)


def _order_to_all(fact: Fact) -> Order | None:
    """What is meant for whoever talks in the conversation."""
    match fact:
        case ConversationErased():
            return Order("end", ERASED)
        case ConversationHidden(hidden=True, reason=reason):
            return Order("end", reason)
        case TurnRedacted(turn_id=turn_id, what="all", reason=reason):
            return Order("forget", reason, turn_id)
        case KeepChanged(keep=keep):
            return Order("keep", keep)
        case _:
            return None
