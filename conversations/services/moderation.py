"""What a moderator does: flag, decide, hide, and look at what others said. Each leaves a fact that names them.

The state is judged in the transaction that appends, so two moderators who decide at the same moment do not both.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid6 import uuid7

from common.reasons import checked, checked_note
from conversations.errors import ConversationNotFound, Invalid, WrongState
from conversations.events import ConversationHidden, Fact, FlagDecided, FlagRaised, RecordingHeard
from conversations.log import store
from conversations.log.eventlog import event_log
from conversations.log.types import Metadata, NewEvent
from conversations.models import Conversation, Flag, FlagStatus, Turn
from conversations.record import new_event
from conversations.services import ending
from conversations.services.access import Actor, require
from conversations.streams import stream_of

TWICE = timedelta(seconds=10)
"""A form that is sent again within this time was sent by mistake."""
Decision = Literal["dismissed", "upheld"]
Judge = Callable[[Conversation], Sequence[Fact]]
"""What follows for a conversation as it stands; nothing when it is so already. Raises `Refused`."""


def flag(
    conversation_id: str | UUID,
    *,
    actor: Actor | None,
    reason: str,
    note: str = "",
    turn_id: str = "",
    rule: str = "",
) -> str:
    """Asks a moderator to look at a conversation, or at one turn of it; returns the flag's id.

    ``actor`` is None for a rule, which flags the same turn once however often it runs. A form that was sent twice
    within `TWICE` raises one flag. Raises `NotAllowed`, `ConversationNotFound`, `Invalid`, `WrongState` when the
    conversation was erased.
    """
    if actor is not None:
        require(actor, "flag_conversation")
    elif not rule:
        raise Invalid(_("A flag comes from a person or from a rule: name the rule."))
    checked(reason)
    checked_note(note)
    flag_id = _flag_of_rule(conversation_id, turn_id, rule) if rule else str(uuid7())

    def judge(conversation: Conversation) -> Sequence[Fact]:
        nonlocal flag_id
        if rule and Flag.objects.filter(flag_id=flag_id).exists():
            return ()
        _not_erased(conversation)
        if actor is not None and (same := _just_raised(conversation, turn_id, reason, actor)):
            flag_id = same
            return ()
        if turn_id and not Turn.objects.filter(conversation=conversation, turn_id=turn_id).exists():
            raise Invalid(_("There is no such turn in this conversation."))
        return (FlagRaised(flag_id=flag_id, turn_id=turn_id, reason=reason, rule=rule, note=note),)

    _decide(conversation_id, judge, actor)
    return flag_id


def _just_raised(conversation: Conversation, turn_id: str, reason: str, actor: Actor) -> str:
    """The flag that this person raised a moment ago for the same; empty when there is none."""
    recent = Flag.objects.filter(
        conversation=conversation, raised_by=str(actor.pk), raised_at__gte=timezone.now() - TWICE
    )
    same = recent.filter(turn_id=turn_id, reason=reason, status=FlagStatus.OPEN)
    return same.values_list("flag_id", flat=True).first() or ""


def decide_flag(flag_id: str, *, actor: Actor, decision: Decision, reason: str, note: str = "") -> None:
    """Dismisses or upholds a flag. The same decision again changes nothing.

    Raises `NotAllowed`, `ConversationNotFound`, `Invalid`, `WrongState` when it was decided otherwise before.
    """
    require(actor, "decide_flag")
    checked(reason)
    checked_note(note)
    if decision not in (FlagStatus.DISMISSED, FlagStatus.UPHELD):
        raise Invalid(_("A flag is either dismissed or upheld."))
    conversation_id = Flag.objects.filter(flag_id=flag_id).values_list("conversation_id", flat=True).first()
    if conversation_id is None:
        raise ConversationNotFound

    def judge(conversation: Conversation) -> Sequence[Fact]:
        status = Flag.objects.values_list("status", flat=True).get(flag_id=flag_id)
        if status == decision:
            return ()
        if status != FlagStatus.OPEN:
            raise WrongState(
                _("This flag was %(status)s before: what was decided stays. Raise a new flag if need be."),
                status=status,
            )
        if note and conversation.erased_at is not None:
            raise WrongState(_("The conversation was erased, and no note can be kept with it: decide without one."))
        return (FlagDecided(flag_id=flag_id, decision=decision, reason=reason, note=note),)

    _decide(conversation_id, judge, actor)


def hide(conversation_id: str | UUID, *, actor: Actor, hidden: bool, reason: str, note: str = "") -> None:
    """Takes a conversation out of its owner's sight, or gives it back. What is so already stays so, silently.

    Whoever talks in it is told to end: at once in this process, within `orders.LOOK_S` seconds wherever they are.

    Raises `NotAllowed`, `ConversationNotFound`, `Invalid`, `WrongState` when it was erased.
    """
    require(actor, "hide_conversation")
    checked(reason)
    checked_note(note)

    def judge(conversation: Conversation) -> Sequence[Fact]:
        _not_erased(conversation)
        if conversation.hidden == hidden:
            return ()
        return (ConversationHidden(hidden=hidden, reason=reason, note=note),)

    _decide(conversation_id, judge, actor)
    if hidden:
        ending.tell_sessions(_uuid(conversation_id))


def note_listening(
    conversation_id: str | UUID,
    *,
    actor: Actor,
    turn_id: str = "",
    audio_id: str = "",
    what: Literal["sound", "words"] = "sound",
    reason: str = "",
) -> None:
    """Records that somebody opens another's sound or words: call it once per view, before anything is shown.

    What is one's own needs no permission and is not recorded. Raises `NotAllowed`, `ConversationNotFound`, `Invalid`.
    """
    if Conversation.objects.filter(id=_uuid(conversation_id), owner__pk=actor.pk, hidden=False).exists():
        return
    require(actor, "listen_recording" if what == "sound" else "read_words")
    if reason:
        checked(reason)
    heard = RecordingHeard(turn_id=turn_id, audio_id=audio_id, what=what, reason=reason)
    _decide(conversation_id, lambda _conversation: (heard,), actor)


def _decide(conversation_id: str | UUID, judge: Judge, actor: Actor | None) -> None:
    """Judges and appends in the log's own transaction. Raises `ConversationNotFound`, `log.errors.LogError`."""
    found = _uuid(conversation_id)

    def work() -> None:
        conversation = Conversation.objects.filter(id=found).first()
        if conversation is None:
            raise ConversationNotFound
        if facts := judge(conversation):
            metadata = Metadata(actor=str(actor.pk) if actor is not None else "")
            erased = conversation.erased_at is not None
            store.append(stream_of(str(found)), store.ANY, [_event(fact, metadata, erased=erased) for fact in facts])

    event_log().write_now(work)


def _event(fact: Fact, metadata: Metadata, *, erased: bool) -> NewEvent:
    """An erased conversation has no key for notes any more: the fact is kept without."""
    event = new_event(fact, metadata)
    return msgspec.structs.replace(event, personal=frozenset()) if erased else event


def _flag_of_rule(conversation_id: str | UUID, turn_id: str, rule: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"flag:{_uuid(conversation_id)}:{turn_id}:{rule}"))


def _not_erased(conversation: Conversation) -> None:
    if conversation.erased_at is not None:
        raise WrongState(_("The conversation was erased: there is nothing left to moderate."))


def _uuid(conversation_id: str | UUID) -> UUID:
    try:
        return UUID(str(conversation_id))
    except ValueError:
        raise ConversationNotFound from None
