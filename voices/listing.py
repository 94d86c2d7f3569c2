"""Voices as rows of a list, with names and ratings, in a fixed number of queries."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from inference.types import VoiceInfo
from voices import presets
from voices.access import Actor
from voices.models import Rating, Voice, VoiceName
from voices.types import RatingView, VoiceRow

MOST = 500
"""Voices in one list."""


def rows_of(voices: Sequence[Voice], actor: Actor) -> tuple[VoiceRow, ...]:
    """Profiles, in their order."""
    ids = [voice.id for voice in voices]
    scores = _scores(ids, actor)
    names = names_of(ids)
    return tuple(
        VoiceRow(
            id=str(voice.id),
            voice=voice.preset or str(voice.id),
            kind="preset" if voice.preset else "profile",
            name=names.get(voice.id, voice.preset),
            language=voice.language,
            languages=(voice.language,),
            state=voice.state,
            own=voice.owner_id == actor.pk,
            cloned=not voice.preset,
            measured=bool(voice.preset),
            rating=_rating(voice, scores.get(voice.id)),
            updated_at=voice.updated_at,
        )
        for voice in voices
    )


def rows_of_presets(infos: Iterable[VoiceInfo], actor: Actor) -> tuple[VoiceRow, ...]:
    """Presets, in their order; those that nobody has rated have no row in the database."""
    by_id = {presets.id_of(info.id): info for info in infos if not info.clones}
    known = {voice.id: voice for voice in Voice.objects.filter(id__in=by_id)}
    scores = _scores(list(known), actor)
    return tuple(
        VoiceRow(
            id=str(key),
            voice=info.id,
            kind="preset",
            name=info.name,
            language=next(iter(info.languages), ""),
            languages=info.languages,
            state="usable",
            own=False,
            cloned=False,
            measured=True,
            rating=_rating(known.get(key), scores.get(key)),
            engine=info.engine,
        )
        for key, info in by_id.items()
    )


def names_of(ids: Sequence[UUID]) -> dict[UUID, str]:
    """What their owners call these voices."""
    return dict(VoiceName.objects.filter(voice_id__in=ids).values_list("voice_id", "name"))


def _scores(ids: Sequence[UUID], actor: Actor) -> dict[UUID, int]:
    return dict(Rating.objects.filter(voice__in=ids, person=str(actor.pk)).values_list("voice_id", "score"))


def _rating(voice: Voice | None, own: int | None) -> RatingView:
    if voice is None or not voice.rating_count:
        return RatingView(mean=None, count=0, own=own)
    return RatingView(mean=round(voice.rating_sum / voice.rating_count, 2), count=voice.rating_count, own=own)
