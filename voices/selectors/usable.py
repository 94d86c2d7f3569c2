"""Who may be spoken to in which voice now, and what engines need to speak in it."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.log.errors import AudioMissing
from conversations.log.keys import KeyRing
from inference.types import Reference
from voices import presets, sounds
from voices.errors import VoiceNotUsable
from voices.events import stream_of
from voices.listing import MOST, names_of
from voices.models import SPEAKS, Sample, State, Voice
from voices.reading import words_of
from voices.types import VoiceChoice


def usable_by(user_id: str | UUID) -> tuple[VoiceChoice, ...]:
    """The profiles that the person may be spoken to in now: their own, then those shared with everybody.

    Presets are not among them: `presets_to_choose`, or the engine host's status.
    """
    voices = list(Voice.objects.filter(_usable(user_id)).order_by("-updated_at")[:MOST])
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
        for preset in presets.all_presets()
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
    owner_id = Voice.objects.filter(id=uuid_of(voice_id)).values_list("owner_id", flat=True).first()
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
    voice = Voice.objects.filter(_usable(user_id), id=uuid_of(voice_id)).first()
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


def shared_with_everybody() -> Q:
    """The condition of voices that anybody may be spoken to in now."""
    return Q(state=State.APPROVED) & _speaking()


def uuid_of(voice_id: str | UUID) -> UUID:
    """Raises `VoiceNotUsable`: what is no id names no voice."""
    try:
        return voice_id if isinstance(voice_id, UUID) else UUID(voice_id)
    except ValueError:
        raise _not_usable() from None


def _usable(user_id: str | UUID) -> Q:
    return (Q(owner__pk=user_id) | Q(state=State.APPROVED)) & _speaking()


def _speaking() -> Q:
    standing = Q(state__in=SPEAKS, consent_until__gt=timezone.now(), owner__is_active=True)
    return standing & ~Q(sample_id="")


def _not_usable() -> VoiceNotUsable:
    return VoiceNotUsable(
        _("This voice cannot be used now: there is no such voice, it is not shared with you, or its consent is over.")
    )
