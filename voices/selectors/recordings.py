"""The sounds of voices, for those who may hear them."""

from uuid import UUID

from conversations.log.audio import StoredAudio
from conversations.log.keys import KeyRing
from voices import sounds
from voices.access import Actor, owned, permitted
from voices.errors import VoiceNotFound
from voices.events import stream_of
from voices.models import Consent, Sample, Voice
from voices.selectors.profiles import own_preview


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
    row = own_preview(actor, preview_id)
    return sounds.stored(row.audio_id, KeyRing.load(stream_of(row.voice_key), [row.id]))


def _own_or_audible(actor: Actor, voice_id: str | UUID) -> Voice:
    try:
        return owned(actor, voice_id)
    except VoiceNotFound:
        if not actor.has_perm("voices.listen_voice"):
            raise
        return permitted(actor, voice_id, "listen_voice")
