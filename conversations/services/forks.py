"""A second conversation that goes on from a moment of the first.

It is a copy, not a link: words and sounds are sealed anew under keys of its own, so that erasing the one leaves the
other as it was. What was redacted is not taken along.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from django.utils.translation import gettext_lazy as _
from uuid6 import uuid7

from conversations import search
from conversations.errors import Invalid, WrongState
from conversations.events import ConversationStarted, Keep
from conversations.log import store
from conversations.log.eventlog import event_log
from conversations.log.keys import KeyRing
from conversations.log.types import Metadata, NewEvent
from conversations.models import Conversation, Turn
from conversations.reading import titled
from conversations.record import new_event
from conversations.services.access import Actor, owned
from conversations.services.copying import Copy, require_unerased
from conversations.streams import stream_of

MOST_TURNS = 1000


def fork(conversation_id: str | UUID, *, actor: Actor, at_turn: str = "") -> str:
    """Copies the actor's own conversation up to the end of ``at_turn`` (a turn's id; empty: all); returns the new id.

    Raises `ConversationNotFound`, `WrongState` once it was erased, `Invalid` for an unknown turn or for more than
    `MOST_TURNS` turns, `conversations.log.errors.LogError`.
    """
    conversation = owned(actor, conversation_id)
    if conversation.erased_at is not None:
        raise WrongState(_("This conversation was erased: there is nothing to go on from."))
    return copy(conversation, owner_id=str(actor.pk), at_turn=at_turn)


def copy(
    conversation: Conversation,
    *,
    owner_id: str,
    at_turn: str = "",
    beginning: Sequence[NewEvent] = (),
    new_id: str = "",
) -> str:
    """`fork` without asking who wants it: for callers that have checked it. The copy belongs to ``owner_id``.

    ``beginning`` is appended with its very first fact; ``new_id`` is the copy's id where the caller has chosen one.
    Raises `WrongState` also when what is copied is erased or redacted meanwhile; then nothing is left of the copy.
    """
    taken = _turns_up_to(conversation, at_turn)
    kept = [msgspec.convert(keep, Keep) for keep in (*taken.values(), conversation.keep)]
    new_id = new_id or str(uuid7())
    keeps = dict(zip(taken, kept, strict=False))
    work = Copy(conversation, stream_of(str(conversation.id)), stream_of(new_id), owner_id, keeps)
    started = ConversationStarted(
        owner=owner_id,
        language=conversation.language,
        voice=conversation.voice,
        keep=kept[0],
        forked_from=str(conversation.id),
        forked_at=next(reversed(taken), ""),
    )
    begin(conversation.id, new_id, [new_event(started, Metadata(actor=owner_id)), *beginning])
    try:
        work.run(kept)
        _name_alike(conversation, new_id)
    except BaseException:
        work.undo()
        raise
    return new_id


def is_whole(fork_id: str) -> bool:
    """Whether a fork was begun and holds all that it was to take over: a kill leaves half of one."""
    fork = Conversation.objects.filter(id=fork_id, erased_at__isnull=True).first()
    if fork is None:
        return False
    return not fork.forked_at or Turn.objects.filter(conversation=fork, turn_id=fork.forked_at).exists()


def begin(source_id: UUID, new_id: str, facts: Sequence[NewEvent]) -> None:
    """The first append of a conversation that comes from another. Raises `WrongState` when that was erased."""

    def work() -> None:
        require_unerased(source_id)
        store.append(stream_of(new_id), 0, facts)

    event_log().write_now(work)


def _turns_up_to(conversation: Conversation, at_turn: str) -> dict[str, str]:
    """The ids of the turns to take, in order, and what is kept of each; without those that were redacted."""
    turns = Turn.objects.filter(conversation=conversation).order_by("number")
    if at_turn:
        last = turns.filter(turn_id=at_turn).first()
        if last is None:
            raise Invalid(_("This conversation has no such turn: choose one of those on its page."))
        turns = turns.filter(number__lte=last.number)
    taken = dict(turns.filter(redacted=False).values_list("turn_id", "keep")[: MOST_TURNS + 1])
    if len(taken) > MOST_TURNS:
        raise Invalid(
            _("At most %(most)s turns can be taken over at once: go on from an earlier turn."), most=MOST_TURNS
        )
    return taken


def _name_alike(conversation: Conversation, new_id: str) -> None:
    """A title that was given is given to the copy."""
    ring = KeyRing.load(stream_of(str(conversation.id)), ())
    if title := titled.opened(conversation.id, ring):
        event_log().write_now(lambda: titled.save(UUID(new_id), title))
        search.index_title(Conversation.objects.get(id=new_id), title)
