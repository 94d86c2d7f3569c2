"""What a moderator does to a live session: mute, unmute, end. Each is a fact first; the session obeys the log."""

from collections.abc import Iterable
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from common.reasons import checked
from conversations.errors import SessionNotFound, WrongState
from conversations.events import Fact, SessionCut, SessionMuted
from conversations.log import store
from conversations.log.eventlog import event_log
from conversations.log.types import Appended, Metadata
from conversations.models import Session
from conversations.oversight import broadcast
from conversations.record import new_event
from conversations.services.access import Actor, require
from conversations.streams import stream_of


def mute(session_id: str, *, actor: Actor, reason: str) -> None:
    """Nothing is heard of the session any more and it says nothing, until `unmute`. Muted already: nothing happens.

    Raises `NotAllowed`, `SessionNotFound`, `Invalid`, `WrongState` when it has ended.
    """
    _set_muted(session_id, True, actor, reason)


def unmute(session_id: str, *, actor: Actor, reason: str) -> None:
    """Lets the session speak again; raises as `mute` does."""
    _set_muted(session_id, False, actor, reason)


def cut(session_id: str, *, actor: Actor, reason: str) -> None:
    """Ends the session: within a second in this process, within `orders.LOOK_S` seconds wherever it is.

    Raises `NotAllowed`, `SessionNotFound`, `Invalid`, `WrongState` when it has ended.
    """
    require(actor, "cut_session")
    checked(reason)
    _order(session_id, SessionCut(session_id=session_id, reason=reason), actor, "end", reason)


def cut_all_of(owner_id: str | UUID, *, actor: Actor, reason: str) -> int:
    """Ends every session of a person, for a caller that has asked whether the actor may; returns how many."""
    return _cut_each(Session.objects.filter(conversation__owner__pk=owner_id, closed_at=None), actor, reason)


def _cut_each(sessions: Iterable[Session], actor: Actor, reason: str) -> int:
    ended = 0
    for session in sessions:
        try:
            fact = SessionCut(session_id=session.session_id, reason=reason)
            _order(session.session_id, fact, actor, "end", reason)
        except (SessionNotFound, WrongState):
            continue  # It ended by itself meanwhile.
        ended += 1
    return ended


def _set_muted(session_id: str, muted: bool, actor: Actor, reason: str) -> None:
    require(actor, "mute_session")
    checked(reason)
    fact = SessionMuted(session_id=session_id, muted=muted, reason=reason)
    _order(session_id, fact, actor, "mute" if muted else "unmute", reason)


def _order(session_id: str, fact: Fact, actor: Actor, order: broadcast.Order, reason: str) -> None:
    """Judges and appends in one transaction, then pokes."""

    def work() -> tuple[UUID, Appended | None]:
        session = Session.objects.filter(session_id=session_id).first()
        if session is None:
            raise SessionNotFound
        if session.closed_at is not None:
            raise WrongState(_("This session has ended: there is nothing left to stop."))
        conversation_id = session.conversation_id
        if isinstance(fact, SessionMuted) and session.muted == fact.muted:
            return conversation_id, None
        event = new_event(fact, Metadata(actor=str(actor.pk)))
        return conversation_id, store.append(stream_of(str(conversation_id)), store.ANY, [event])

    conversation_id, appended = event_log().write_now(work)
    if appended is not None:
        broadcast.tell_session(session_id, order, reason)
        broadcast.poke(str(conversation_id), appended.last)
