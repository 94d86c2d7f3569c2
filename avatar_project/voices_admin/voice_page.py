"""What the page of one voice shows. Its words and sounds are closed; to listen is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from avatar_project.voices_admin import deeds
from avatar_project.voices_admin.life import Act, life_of
from avatar_project.voices_admin.voice_urls import PREFIX, sound_is_open
from common.texts import Text
from conversations.admin.deed import Deed
from conversations.admin.links import Button
from conversations.admin.readonly import seconds
from voices.models import Consent, ConsentState, Sample, Utterance, Voice
from voices.reasons import ListenReason

SHOWN = 50
"""Utterances, the latest."""


@dataclass(frozen=True, slots=True)
class Sound:
    """``url`` is empty while it is closed; ``open_url`` opens it."""

    title: Text
    url: str
    open_url: str


@dataclass(frozen=True, slots=True)
class VoicePage:
    """``sample`` and ``consent`` are those that hold."""

    buttons: tuple[Button, ...]
    sample: Sample | None
    figures: tuple[str, ...]
    consent: Consent | None
    sounds: tuple[Sound, ...]
    listen_reasons: Sequence[tuple[str, Text]]
    may_listen: bool
    life: tuple[Act, ...]
    utterances: tuple[Utterance, ...]
    utterances_url: str


def build(request: HttpRequest, voice: Voice) -> VoicePage:
    """In a fixed number of queries."""
    sample = Sample.objects.filter(id=voice.sample_id).first() if voice.sample_id else None
    consent = Consent.objects.filter(id=voice.consent_id, state=ConsentState.GIVEN).first()
    sounds = []
    if sample is not None and sample.audio_id:
        sounds.append(_sound(request, voice, "sample", gettext("The sample")))
    if consent is not None and consent.audio_id:
        sounds.append(_sound(request, voice, "consent", gettext("The spoken consent")))
    sees = request.user.has_perm("voices.view_utterance")
    return VoicePage(
        buttons=tuple(_button(voice, deed) for deed in deeds.offered(voice.state) if deed.allowed(request)),
        sample=sample,
        figures=_figures(sample) if sample is not None else (),
        consent=consent,
        sounds=tuple(sounds),
        listen_reasons=ListenReason.choices,
        may_listen=request.user.has_perm("voices.listen_voice"),
        life=life_of(voice.id, notes=request.user.has_perm("voices.approve_voice")),
        utterances=tuple(Utterance.objects.filter(source=str(voice.id))[:SHOWN]) if sees else (),
        utterances_url=f"{reverse('admin:voices_utterance_changelist')}?voice={voice.id}" if sees else "",
    )


def _figures(sample: Sample) -> tuple[str, ...]:
    """Length of speech, loudness, share of clipped samples, speech above noise, language."""
    return (
        seconds(sample.speech_ms),
        f"{sample.loudness_lufs:.0f} LUFS",
        f"{sample.clipped:.2%}",
        f"{sample.snr_db:.0f} dB",
        sample.language,
    )


def _sound(request: HttpRequest, voice: Voice, what: str, title: str) -> Sound:
    is_open = sound_is_open(request, voice.id, what)
    return Sound(
        title=title,
        url=reverse(f"admin:{PREFIX}sound", args=[voice.id, what]) if is_open else "",
        open_url=reverse(f"admin:{PREFIX}listen", args=[voice.id, what]),
    )


def _button(voice: Voice, deed: Deed) -> Button:
    return Button(deed.label, reverse(f"admin:{PREFIX}do", args=[voice.id, deed.name]), deed.final)
