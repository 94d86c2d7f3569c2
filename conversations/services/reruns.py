"""Asking for a re-run in the background, and stopping it."""

from datetime import timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.errors import ConversationNotFound, Invalid, NotAllowed, Refused, WrongState
from conversations.events import RecordingHeard
from conversations.models import Conversation, Keep
from conversations.rerun.queue import PERMISSION, enqueue, is_url
from conversations.rerun_tables import RerunJob, RerunState
from conversations.services.access import Actor, owned_or_permitted, record

MOST_WAITING = 5
"""Jobs of one person that are not over yet."""
MOST_A_DAY = 40
"""Asked for by one person within 24 hours, stopped and failed ones too; the permission lifts it."""
LONGEST_INSTRUCTIONS = 20_000
_UNFINISHED = (RerunState.QUEUED, RerunState.RUNNING)


class TooMany(Refused):
    """The person's jobs that wait already are enough (HTTP 429)."""

    code = "too_many"


def start(
    conversation_id: str | UUID,
    *,
    actor: Actor,
    from_turn: str = "",
    llm: str = "",
    voice: str = "",
    instructions: str = "",
    transcribe: bool = False,
) -> RerunJob:
    """Puts a re-run of the actor's own conversation, or with the permission of anybody's, into the queue.

    ``from_turn``: number or id of the first turn that is answered anew; ``llm``: a model of the engine host, or with
    the permission ``URL#MODEL`` of another server. Names of models and voices are checked by the job itself. Somebody
    else's words are read by it, which is recorded. Not inside a transaction. Raises `ConversationNotFound`,
    `NotAllowed`, `WrongState`, `Invalid`, `TooMany`, `conversations.log.errors.LogError`.
    """
    conversation = owned_or_permitted(actor, conversation_id, PERMISSION)
    if is_url(llm) and not actor.has_perm(f"conversations.{PERMISSION}"):
        raise NotAllowed(
            _("Sending a conversation to another server needs the permission %(permission)s."), permission=PERMISSION
        )
    _require_words(conversation)
    if len(from_turn) > 120 or len(llm) > 300 or len(voice) > 120 or len(instructions) > LONGEST_INSTRUCTIONS:
        raise Invalid(_("One of the values is too long."))
    _require_room(actor)
    if conversation.owner_id != actor.pk:
        record(conversation.id, RecordingHeard(what="words", reason="rerun"), actor=actor)
    job = RerunJob.objects.create(
        owner=get_user_model()._default_manager.get(pk=actor.pk),
        conversation_id=conversation.id,
        from_turn=from_turn,
        llm=llm,
        voice=voice,
        instructions=instructions,
        transcribe=transcribe,
    )
    enqueue(job.id)
    return job


def stop(job_id: str | UUID, *, actor: Actor) -> None:
    """Ends one's own re-run after the turn that it is at, or with the permission anybody's.

    Raises `ConversationNotFound`, `WrongState` when it is over.
    """
    found = RerunJob.objects.filter(id=job_id)
    if not actor.has_perm(f"conversations.{PERMISSION}"):
        found = found.filter(owner__pk=actor.pk)
    if not found.exists():
        raise ConversationNotFound
    if not found.filter(state__in=_UNFINISHED).update(state=RerunState.STOPPED):
        raise WrongState(_("This re-run is over already."))


def _require_room(actor: Actor) -> None:
    theirs = RerunJob.objects.filter(owner__pk=actor.pk)
    if theirs.filter(state__in=_UNFINISHED).count() >= MOST_WAITING:
        raise TooMany(
            _("%(most)s of your re-runs are waiting already: let one end first, or stop it."), most=MOST_WAITING
        )
    lately = theirs.filter(created_at__gte=timezone.now() - timedelta(days=1))
    if lately.count() >= MOST_A_DAY and not actor.has_perm(f"conversations.{PERMISSION}"):
        raise TooMany(_("%(most)s re-runs a day are enough: come back tomorrow."), most=MOST_A_DAY)


def _require_words(conversation: Conversation) -> None:
    if conversation.erased_at is not None:
        raise WrongState(_("This conversation was erased: there is nothing to run again."))
    if conversation.keep == Keep.NOTHING:
        raise WrongState(_("This conversation is private: nothing of it is kept that could be run again."))
