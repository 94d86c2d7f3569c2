"""Taking words and sound away for good; who may is asked by `erasure`.

First, in one transaction, the tombstone is appended, the keys are destroyed, and the read models and the search index
forget; from then on nothing opens what is left. Then the files of the sounds go. Whoever is killed in between calls
again, or leaves the rest to the sweeper (`conversations.keeping.sweeping`).
"""

from collections.abc import Callable
from functools import partial
from typing import Literal
from uuid import UUID

import structlog
from django.utils.translation import gettext_lazy as _

from conversations import search
from conversations.errors import Invalid, WrongState
from conversations.events import ConversationErased, Fact, TurnRedacted
from conversations.keeping import sweeping
from conversations.keeping.kept import new_event
from conversations.keeping.lineage import holders_of
from conversations.log import keys, store
from conversations.log.eventlog import event_log
from conversations.log.models import Purpose
from conversations.log.types import Metadata
from conversations.models import Conversation, Keep, Turn
from conversations.rerun_tables import RerunJob
from conversations.services import ending
from conversations.streams import stream_of

log = structlog.get_logger(__name__)
What = Literal["all", "sound"]


def bury(conversation_id: UUID, *, actor_id: str = "", reason: str, only_if: Callable[[], bool] = lambda: True) -> None:
    """Erases a conversation; its live sessions end. Once more, it finishes what is left.

    ``actor_id`` is empty for the system itself. ``only_if`` is asked in the erasing transaction; nothing happens when
    it says no. Raises `log.errors.LogError` (call again).
    """
    work = partial(_bury, conversation_id, Metadata(actor=actor_id), reason)
    if not event_log().write_now(lambda: only_if() and work()):
        return
    ending.end_sessions(conversation_id)
    removed = remove_sounds(conversation_id)
    log.info("conversation_erased", conversation=str(conversation_id), reason=reason, sounds=removed)


def redact(conversation_id: UUID, turn_id: str, *, actor_id: str = "", reason: str, what: What) -> None:
    """Takes words and sound of a turn away, or its sound, wherever there is a copy of it (forks).

    Once more, it finishes what is left. Raises `Invalid` when there is no such turn, `WrongState` when the
    conversation was erased, `log.errors.LogError`.
    """
    done: set[UUID] = set()
    # Asked again until there is none left: a copy that was being made found the turn as it was until just now.
    while left := [holder for holder in holders_of(conversation_id, turn_id) if holder not in done]:
        for holder in left:
            _redact_in(holder, turn_id, actor_id, reason, what)
        done.update(left)


def _redact_in(conversation_id: UUID, turn_id: str, actor_id: str, reason: str, what: What) -> None:
    event_log().write_now(partial(_redact, conversation_id, turn_id, Metadata(actor=actor_id), reason, what))
    ending.tell_sessions(conversation_id)
    removed = sweeping.remove_sounds(stream_of(str(conversation_id)), turn_id)
    log.info("turn_redacted", conversation=str(conversation_id), turn=turn_id, what=what, sounds=removed)


def remove_sounds(conversation_id: UUID) -> int:
    """Deletes the files of a conversation's sounds; returns how many there were. Only after its keys are gone."""
    return sweeping.remove_sounds(stream_of(str(conversation_id)))


def _bury(conversation_id: UUID, metadata: Metadata, reason: str) -> bool:
    """In the writer's transaction, where no fact can come in between."""
    stream = stream_of(str(conversation_id))
    if Conversation.objects.filter(id=conversation_id, erased_at__isnull=True).exists():
        _append(stream, ConversationErased(reason=reason), metadata)
    keys.destroy(stream)
    search.forget(conversation_id)
    RerunJob.objects.filter(conversation_id=conversation_id).update(instructions="")  # in clear, and may quote it
    return True


def _redact(conversation_id: UUID, turn_id: str, metadata: Metadata, reason: str, what: What) -> None:
    """In the writer's transaction, where no fact can come in between."""
    stream = stream_of(str(conversation_id))
    conversation = Conversation.objects.get(id=conversation_id)
    turn = Turn.objects.filter(conversation=conversation, turn_id=turn_id).first()
    if turn is None:
        raise Invalid(_("There is no such turn in this conversation."))
    if conversation.erased_at is not None:
        raise WrongState(_("The conversation was erased: nothing is left of its turns."))
    if not turn.redacted and (what == "all" or turn.keep == Keep.SOUND):
        _append(stream, TurnRedacted(turn_id=turn_id, reason=reason, what=what), metadata)
    keys.destroy(stream, turn_id, purpose=Purpose.SOUND if what == "sound" else None)
    if what == "all":
        search.forget(conversation_id, turn_id)


def _append(stream: str, fact: Fact, metadata: Metadata) -> None:
    store.append(stream, store.ANY, [new_event(fact, metadata)])
