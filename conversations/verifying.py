"""Proving the chain, and remembering when that was last done and what came of it."""

from uuid import UUID

from django.utils import timezone

from conversations.log.verify import Verdict, verify
from conversations.models import Verification
from conversations.services.access import Actor, require
from conversations.streams import stream_of


def verify_and_note(conversation_id: str | UUID | None = None, *, actor: Actor) -> Verdict:
    """Verifies a conversation, or everything; the verdict is remembered. Raises `NotAllowed`."""
    require(actor, "verify_record")
    stream = stream_of(str(conversation_id)) if conversation_id is not None else None
    verdict = verify(stream)
    note(verdict, stream=stream, actor=actor)
    return verdict


def note(verdict: Verdict, *, stream: str | None = None, actor: Actor | None = None) -> None:
    """Remembers a verdict about ``stream``, or about the whole log."""
    first = verdict.breaks[0] if verdict.breaks else None
    Verification.objects.create(
        at=timezone.now(),
        stream=stream or "",
        events=verdict.events,
        streams=verdict.streams,
        breaks=len(verdict.breaks),
        first_break=f"{first.stream} {first.sequence}: {first.what}"[:300] if first is not None else "",
        actor=str(actor.pk) if actor is not None else "",
    )
