"""Proving the chain, and remembering when that was last done and what came of it."""

from uuid import UUID

from django.utils import timezone
from django_q.tasks import async_task

from common.long_tasks import one_at_a_time
from conversations.log.verify import Verdict, verify
from conversations.models import Verification
from conversations.services.access import Actor, require
from conversations.streams import stream_of


def verify_and_note(conversation_id: str | UUID | None = None, *, actor: Actor) -> Verdict:
    """Verifies a conversation, or everything; the verdict is remembered. Raises `NotAllowed`."""
    require(actor, "verify_record")
    stream = stream_of(str(conversation_id)) if conversation_id is not None else None
    verdict = verify(stream)
    note(verdict, stream=stream, actor_id=str(actor.pk))
    return verdict


def verify_all_in_background(*, actor: Actor) -> None:
    """Has the task cluster verify everything: a long log takes longer than a page may. Raises `NotAllowed`."""
    require(actor, "verify_record")
    async_task("conversations.proof.verifying.verify_all", str(actor.pk), group="avatar: verify")


@one_at_a_time
def verify_all(actor_id: str) -> str:
    """Verifies everything for somebody who was allowed to ask; the verdict is remembered under their id."""
    verdict = verify(None)
    note(verdict, actor_id=actor_id)
    return f"{verdict.events} events, {len(verdict.breaks)} breaks"


def note(verdict: Verdict, *, stream: str | None = None, actor_id: str = "") -> None:
    """Remembers a verdict about ``stream``, or about the whole log."""
    first = verdict.breaks[0] if verdict.breaks else None
    Verification.objects.create(
        at=timezone.now(),
        stream=stream or "",
        events=verdict.events,
        streams=verdict.streams,
        breaks=len(verdict.breaks),
        first_break=f"{first.stream} {first.sequence}: {first.what}"[:300] if first is not None else "",
        actor=actor_id,
    )
