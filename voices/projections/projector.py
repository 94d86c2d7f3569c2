"""Writes the rows of voices in the append's own transaction."""

from collections.abc import Sequence

from django.contrib.auth import get_user_model

from conversations.log.keys import KeyRing
from conversations.log.types import RecordedEvent
from voices.errors import NotAllowed
from voices.models import Consent, Rating, Sample, Voice
from voices.projections.rows import Rows


def project(events: Sequence[RecordedEvent], ring: KeyRing) -> None:
    """The projector that `apps` registers with the log for streams of voices."""
    rows = Rows.load(ring, events)
    fresh = rows.voice is None
    rows.fold_all(events)
    if fresh and rows.voice is not None:
        require_owner(rows.voice)
    rows.seal()
    write(rows)


def write(rows: Rows) -> None:
    """Stores the rows as they are; those that are there already are overwritten."""
    if rows.voice is None:
        return
    rows.voice.save()
    for kept in (rows.samples, rows.consents, rows.ratings):
        for row in kept.values():
            row.save()


def remove(rows: Rows) -> None:
    """Takes away what a rebuild writes anew."""
    for model in (Sample, Consent, Rating):
        model.objects.filter(voice_id=rows.ring.stream.partition("-")[2]).delete()
    if rows.voice is None:
        Voice.objects.filter(id=rows.ring.stream.partition("-")[2]).delete()


def require_owner(voice: Voice) -> None:
    """A foreign key is only checked when all waiting appends commit together. Raises `NotAllowed`."""
    people = get_user_model()._default_manager
    if voice.owner_id is not None and not people.filter(pk=voice.owner_id, is_active=True).exists():
        raise NotAllowed(f"No voice can be made for {voice.owner_id}: there is no such person, or they were blocked.")
