"""Asking for a preview; the task cluster makes it (`voices.preview_job`)."""

from datetime import timedelta
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_q.tasks import async_task

from conversations.log import keys
from conversations.log.keys import KeyRing
from conversations.log.models import Purpose
from inference.types import Quality
from voices import presets, record, selectors
from voices.access import Actor, reachable
from voices.errors import Invalid, TooMany
from voices.events import stream_of
from voices.languages import checked as checked_language
from voices.models import Preview, PreviewState
from voices.sealed import seal_text
from voices.services.replacing import remove_files
from voices.types import PreviewView

TEXT_LENGTH = 300
AT_ONCE = 3
"""Previews of one person that are not over yet."""
KEPT = 5
"""Of one voice, for one person; those before are removed."""
LOST_AFTER = timedelta(hours=1)
"""One that has not moved for so long is made by nobody: its task was never queued, or its last attempt was killed."""
TEXTS = {
    "en": "Hello! This is how I sound. It is good to hear your own words from somebody else, is it not?",
    "zh-TW": "你好！這就是我的聲音。很高興認識你，希望你喜歡。",
}


def request_preview(
    voice_id: str | UUID, *, actor: Actor, text: str = "", language: str = "", quality: Quality = "fast"
) -> PreviewView:
    """Has some sentences spoken in a voice that the actor may use: a profile, or a preset by its UUID or name.

    Raises `VoiceNotFound`, `VoiceNotUsable`, `Invalid`, `TooMany`.
    """
    text = " ".join(text.split())
    if not text.isprintable():
        raise Invalid(_("It has characters that cannot be seen or said: leave them out."), code="text")
    if len(text) > TEXT_LENGTH:
        raise Invalid(_("A preview says at most %(most)s characters."), code="text", most=TEXT_LENGTH)
    if quality not in {"fast", "fine"}:
        raise Invalid(_("A preview is made fast or fine."), code="quality")
    key, preset, spoken = _what(voice_id, actor)
    tongue = checked_language(language or spoken)
    preview_id = uuid4().hex
    said = text or TEXTS[tongue]

    def work() -> tuple[str, ...]:
        theirs = Preview.objects.filter(owner__pk=actor.pk)
        if theirs.filter(state__in=(PreviewState.QUEUED, PreviewState.RUNNING)).count() >= AT_ONCE:
            raise TooMany(_("%(most)s of your previews are being made: let one end first."), most=AT_ONCE)
        ring = KeyRing.load(stream_of(key), [preview_id])
        ring.stream_key(create=True)
        now = timezone.now()
        Preview.objects.create(
            id=preview_id,
            voice_key=key,
            preset=preset,
            owner=get_user_model()._default_manager.get(pk=actor.pk),
            language=tongue,
            quality=quality,
            sealed_text=seal_text(said, ring.data_key(preview_id, Purpose.WORDS, create=True), preview_id),
            created_at=now,
            updated_at=now,
        )
        old = theirs.filter(voice_key=key)[KEPT:]
        audio_ids = tuple(row.audio_id for row in old)
        for row in old:
            keys.destroy(stream_of(key), row.id)
        Preview.objects.filter(id__in=[row.id for row in old]).delete()
        return audio_ids

    remove_files(record.write(work))
    async_task("voices.preview_job.make", preview_id, group="avatar: preview")
    return selectors.preview(actor, preview_id)


def give_up_lost() -> int:
    """Tells those who wait for a preview that nobody makes it any more; returns how many there were."""
    lost = Preview.objects.filter(
        state__in=(PreviewState.QUEUED, PreviewState.RUNNING), updated_at__lt=timezone.now() - LOST_AFTER
    )
    return lost.update(state=PreviewState.FAILED, updated_at=timezone.now())


def _what(voice_id: str | UUID, actor: Actor) -> tuple[UUID, str, str]:
    """The voice's key, a preset's name, and what it speaks."""
    preset = presets.find(voice_id)
    if preset is not None:
        return presets.id_of(preset.id), preset.id, next(iter(preset.languages), "en")
    voice = reachable(actor, voice_id)
    selectors.require_usable(actor.pk, voice.id)
    return voice.id, "", voice.language
