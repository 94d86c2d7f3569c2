"""Reading voices: what pages, REST and sessions show and use. Blocking."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.log.audio import StoredAudio
from conversations.log.errors import AudioMissing
from conversations.log.keys import KeyRing
from inference.types import Reference
from voices import presets as engine_presets
from voices import sounds
from voices.access import Actor, found, owned, permitted, reachable, require
from voices.errors import VoiceNotFound, VoiceNotUsable
from voices.events import stream_of
from voices.listing import names_of, rows_of, rows_of_presets
from voices.models import SPEAKS, Consent, Preview, Sample, State, Utterance, Voice, VoiceName
from voices.reading import asked_last, decision_of, open_challenge, preview_view, report_of, standing_consent, words_of
from voices.types import PreviewView, Profile, VoiceChoice, VoiceRow, WaitingVoice

_MOST = 500
"""Voices in one list."""
PREVIEWS = 10


def usable_by(user_id: str | UUID) -> tuple[VoiceChoice, ...]:
    """The profiles that the person may be spoken to in now: their own, then those shared with everybody.

    Presets are not among them: `presets_to_choose`, or the engine host's status.
    """
    voices = list(Voice.objects.filter(_usable(user_id)).order_by("-updated_at")[:_MOST])
    names = names_of([voice.id for voice in voices])
    choices = [
        VoiceChoice(
            id=str(voice.id),
            name=names.get(voice.id, ""),
            language=voice.language,
            cloned=True,
            own=str(voice.owner_id) == str(user_id),
            languages=(voice.language,),
        )
        for voice in voices
    ]
    return tuple(sorted(choices, key=lambda choice: not choice.own))


def presets_to_choose() -> tuple[VoiceChoice, ...]:
    """The voices that the engines bring along, as choices."""
    return tuple(
        VoiceChoice(
            id=preset.id,
            name=preset.name,
            language=next(iter(preset.languages), ""),
            cloned=False,
            languages=preset.languages,
            engine=preset.engine,
        )
        for preset in engine_presets.all_presets()
    )


def is_usable(user_id: str | UUID, voice_id: str | UUID) -> bool:
    """Whether the person may be spoken to in this profile now. One query, no sound."""
    try:
        return Voice.objects.filter(_usable(user_id), id=voice_id).exists()
    except (ValidationError, ValueError):
        return False


def sample_in_use(user_id: str | UUID, voice_id: str | UUID) -> str:
    """The sample that stands for the profile, while `is_usable`; empty otherwise. One query."""
    try:
        return Voice.objects.filter(_usable(user_id), id=voice_id).values_list("sample_id", flat=True).first() or ""
    except (ValidationError, ValueError):
        return ""


def owner_of(voice_id: str | UUID) -> str:
    """Whose voice it is. Raises `VoiceNotUsable` when there is no such profile."""
    owner_id = Voice.objects.filter(id=_uuid(voice_id)).values_list("owner_id", flat=True).first()
    if owner_id is None:
        raise _not_usable()
    return str(owner_id)


def require_usable(user_id: str | UUID, voice_id: str | UUID) -> None:
    """Raises `VoiceNotUsable` unless `is_usable`."""
    if not is_usable(user_id, voice_id):
        raise _not_usable()


def reference_for(user_id: str | UUID, voice_id: str | UUID) -> Reference:
    """The sample and its transcript, for engines. Decodes the sound: about 20 ms.

    Raises `VoiceNotUsable` when there is no such profile, it is another's and not shared, its consent is withdrawn or
    over, it was revoked, or its owner is blocked: nobody is told which.
    """
    voice = Voice.objects.filter(_usable(user_id), id=_uuid(voice_id)).first()
    sample = Sample.objects.filter(id=voice.sample_id).first() if voice is not None else None
    if voice is None or sample is None:
        raise _not_usable()
    ring = KeyRing.load(stream_of(voice.id), [sample.id])
    words = words_of(sample, ring)
    try:
        pcm = sounds.load(sample.audio_id, ring)
    except AudioMissing:
        raise _not_usable() from None
    if words is None:
        raise _not_usable()
    return Reference.of(sample.id, pcm, transcript=words.transcript, language=sample.language)


def own(actor: Actor) -> tuple[VoiceRow, ...]:
    """The actor's own profiles, the latest first."""
    voices = Voice.objects.filter(owner__pk=actor.pk).exclude(state=State.DELETED)
    return rows_of(list(voices.order_by("-updated_at")[:_MOST]), actor)


def shared(actor: Actor) -> tuple[VoiceRow, ...]:
    """What others share with everybody."""
    voices = Voice.objects.filter(_shared()).exclude(owner__pk=actor.pk)
    return rows_of(list(voices.order_by("-updated_at")[:_MOST]), actor)


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
    theirs = Preview.objects.filter(voice_key=_uuid(voice_id), owner__pk=actor.pk)
    rows = list((theirs if is_usable(actor.pk, voice_id) else theirs.filter(cloned=False))[:PREVIEWS])
    ring = KeyRing.load(stream_of(_uuid(voice_id)), [row.id for row in rows])
    return tuple(preview_view(row, ring) for row in rows)


def preview(actor: Actor, preview_id: str) -> PreviewView:
    """One of the actor's own. Raises `VoiceNotFound`."""
    row = _preview(actor, preview_id)
    return preview_view(row, KeyRing.load(stream_of(row.voice_key), [row.id]))


def sample_audio(actor: Actor, voice_id: str | UUID) -> StoredAudio:
    """The sample as a FLAC file: the owner's, or for one who may listen (`services.note_listening` goes before).

    Raises `VoiceNotFound`, `conversations.log.errors.AudioMissing` when there is none.
    """
    voice = _own_or_audible(actor, voice_id)
    sample = Sample.objects.filter(id=voice.sample_id).first()
    return sounds.stored(sample.audio_id if sample else "", KeyRing.load(stream_of(voice.id), [voice.sample_id]))


def consent_audio(actor: Actor, voice_id: str | UUID) -> StoredAudio:
    """The recording of the consent that holds, as Ogg Opus. Raises as `sample_audio`."""
    voice = _own_or_audible(actor, voice_id)
    consent = Consent.objects.filter(id=voice.consent_id).first()
    return sounds.stored(consent.audio_id if consent else "", KeyRing.load(stream_of(voice.id), [voice.consent_id]))


def preview_audio(actor: Actor, preview_id: str) -> StoredAudio:
    """The sound of one's own preview, as Ogg Opus. Raises `VoiceNotFound`, `AudioMissing` until it is done."""
    row = _preview(actor, preview_id)
    return sounds.stored(row.audio_id, KeyRing.load(stream_of(row.voice_key), [row.id]))


def waiting(actor: Actor) -> tuple[WaitingVoice, ...]:
    """What a voice manager is to decide about, the oldest first. Raises `NotAllowed`."""
    require(actor, "approve_voice")
    voices = list(Voice.objects.filter(state=State.WAITING).order_by("sharing_asked_at")[:_MOST])
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


def borrowed_in(conversation_id: str | UUID) -> tuple[tuple[str, str], ...]:
    """The profiles in which something was said in a conversation: id and name, for one who may see voices."""
    said = Utterance.objects.filter(conversation_id=str(conversation_id))
    said = said.exclude(source=str(conversation_id))  # the person's own voice has no profile
    ids = list(dict.fromkeys(said.order_by("opened_at").values_list("voice", flat=True)))
    names = {str(key): name for key, name in VoiceName.objects.filter(voice_id__in=ids).values_list("voice_id", "name")}
    return tuple((voice_id, names.get(voice_id, voice_id)) for voice_id in ids)


def utterances(actor: Actor, *, source: str = "", since: datetime | None = None) -> Sequence[Utterance]:
    """The latest provenance records, for one who may see them. Raises `NotAllowed`."""
    require(actor, "view_utterance")
    rows = Utterance.objects.all()
    if source:
        rows = rows.filter(source=source)
    if since is not None:
        rows = rows.filter(opened_at__gte=since)
    return list(rows.order_by("-opened_at")[:_MOST])


def _usable(user_id: str | UUID) -> Q:
    return (Q(owner__pk=user_id) | Q(state=State.APPROVED)) & _speaking()


def _shared() -> Q:
    return Q(state=State.APPROVED) & _speaking()


def _speaking() -> Q:
    standing = Q(state__in=SPEAKS, consent_until__gt=timezone.now(), owner__is_active=True)
    return standing & ~Q(sample_id="")


def _not_usable() -> VoiceNotUsable:
    return VoiceNotUsable(
        _("This voice cannot be used now: there is no such voice, it is not shared with you, or its consent is over.")
    )


def _own_or_audible(actor: Actor, voice_id: str | UUID) -> Voice:
    try:
        return owned(actor, voice_id)
    except VoiceNotFound:
        if not actor.has_perm("voices.listen_voice"):
            raise
        return permitted(actor, voice_id, "listen_voice")


def _preview(actor: Actor, preview_id: str) -> Preview:
    row = Preview.objects.filter(id=preview_id, owner__pk=actor.pk).first()
    if row is None:
        raise VoiceNotFound("preview")
    if not row.preset:
        found(row.voice_key)
    if row.cloned and not is_usable(actor.pk, row.voice_key):  # It was revoked or taken back since, and this is it.
        raise VoiceNotFound("preview")
    return row


def _uuid(voice_id: str | UUID) -> UUID:
    try:
        return voice_id if isinstance(voice_id, UUID) else UUID(voice_id)
    except ValueError:
        raise _not_usable() from None
