"""Voices and previews as lists and pages show them."""

from uuid import UUID

from conversations.log.keys import KeyRing
from voices import presets as engine_presets
from voices.access import Actor, found, reachable, require
from voices.errors import VoiceNotFound
from voices.events import stream_of
from voices.listing import MOST, names_of, rows_of, rows_of_presets
from voices.models import Preview, State, Voice
from voices.reading import asked_last, decision_of, open_challenge, preview_view, report_of, standing_consent
from voices.selectors.usable import is_usable, shared_with_everybody, uuid_of
from voices.types import PreviewView, Profile, VoiceRow, WaitingVoice

PREVIEWS = 10


def own(actor: Actor) -> tuple[VoiceRow, ...]:
    """The actor's own profiles, the latest first."""
    voices = Voice.objects.filter(owner__pk=actor.pk).exclude(state=State.DELETED)
    return rows_of(list(voices.order_by("-updated_at")[:MOST]), actor)


def shared(actor: Actor) -> tuple[VoiceRow, ...]:
    """What others share with everybody."""
    voices = Voice.objects.filter(shared_with_everybody()).exclude(owner__pk=actor.pk)
    return rows_of(list(voices.order_by("-updated_at")[:MOST]), actor)


def presets(actor: Actor) -> tuple[VoiceRow, ...]:
    """The voices that the engines bring along; none that was not known before while the host does not answer."""
    return rows_of_presets(engine_presets.all_presets(), actor)


def profile(actor: Actor, voice_id: str | UUID) -> Profile:
    """A voice with what the actor may see of it: everything for its owner. Raises `VoiceNotFound`."""
    preset = engine_presets.find(voice_id)
    if preset is not None:
        (row,) = rows_of_presets([preset], actor)
        return Profile(row=row, previews=previews(actor, row.id))
    voice = reachable(actor, voice_id)
    (row,) = rows_of([voice], actor)
    mine = previews(actor, voice.id)
    if voice.owner_id != actor.pk:
        return Profile(row=row, previews=mine)
    ring = KeyRing.load(stream_of(voice.id), ["", voice.sample_id])
    asked = asked_last(voice)
    return Profile(
        row=row,
        created_at=voice.created_at,
        sample=report_of(voice, ring),
        challenge=open_challenge(voice),
        asked_scope=asked.scope if asked is not None else "self",
        asked_days=asked.days if asked is not None else 0,
        consent=standing_consent(voice),
        sharing_asked_at=voice.sharing_asked_at,
        decision=decision_of(voice),
        previews=mine,
    )


def previews(actor: Actor, voice_id: str | UUID) -> tuple[PreviewView, ...]:
    """The actor's own latest previews of a voice, a preset's too, the latest first.

    Without cloned ones when the voice may not be used any more: they are its sound.
    """
    theirs = Preview.objects.filter(voice_key=uuid_of(voice_id), owner__pk=actor.pk)
    rows = list((theirs if is_usable(actor.pk, voice_id) else theirs.filter(cloned=False))[:PREVIEWS])
    ring = KeyRing.load(stream_of(uuid_of(voice_id)), [row.id for row in rows])
    return tuple(preview_view(row, ring) for row in rows)


def preview(actor: Actor, preview_id: str) -> PreviewView:
    """One of the actor's own. Raises `VoiceNotFound`."""
    row = own_preview(actor, preview_id)
    return preview_view(row, KeyRing.load(stream_of(row.voice_key), [row.id]))


def waiting(actor: Actor) -> tuple[WaitingVoice, ...]:
    """What a voice manager is to decide about, the oldest first. Raises `NotAllowed`."""
    require(actor, "approve_voice")
    voices = list(Voice.objects.filter(state=State.WAITING).order_by("sharing_asked_at")[:MOST])
    names = names_of([voice.id for voice in voices])
    return tuple(
        WaitingVoice(
            id=str(voice.id),
            name=names.get(voice.id, ""),
            owner_id=str(voice.owner_id),
            language=voice.language,
            sharing_asked_at=voice.sharing_asked_at or voice.updated_at,
            report=report_of(voice, KeyRing.load(stream_of(voice.id), [voice.sample_id])),
            consent=standing_consent(voice),
        )
        for voice in voices
    )


def own_preview(actor: Actor, preview_id: str) -> Preview:
    """Its row, while the actor may still use the voice that it is the sound of. Raises `VoiceNotFound`."""
    row = Preview.objects.filter(id=preview_id, owner__pk=actor.pk).first()
    if row is None:
        raise VoiceNotFound("preview")
    if not row.preset:
        found(row.voice_key)
    if row.cloned and not is_usable(actor.pk, row.voice_key):  # It was revoked or taken back since, and this is it.
        raise VoiceNotFound("preview")
    return row
