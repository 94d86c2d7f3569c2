"""Erasing what a voice was spoken from: in the transaction the keys, after it the files."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from conversations.log import keys, scrub
from voices import record
from voices.events import stream_of
from voices.models import Preview, Voice
from voices.services import recalls


class Replaced(msgspec.Struct, frozen=True):
    """``samples``: how many references must never sound again. ``audio_ids``: files that nothing opens any more."""

    samples: int = 0
    audio_ids: tuple[str, ...] = ()


def forget_sounds(voice: Voice) -> Replaced:
    """Destroys the keys of all samples, consents and previews of a voice, inside `record.write`; names what is left.

    The fact that says so is the caller's, in the same transaction. The host is noted to forget the samples.
    """
    stream = stream_of(voice.id)
    samples = dict(voice.samples.values_list("id", "audio_id"))
    consents = dict(voice.consents.values_list("id", "audio_id"))
    previews = dict(Preview.objects.filter(voice_key=voice.id).values_list("id", "audio_id"))
    every = samples | consents | previews
    for about in every:
        keys.destroy(stream, about)
    Preview.objects.filter(id__in=previews).delete()
    recalls.note(samples)
    return Replaced(len(samples), tuple(audio_id for audio_id in every.values() if audio_id))


def forget_previews_of(user_id: str | UUID) -> tuple[str, ...]:
    """Destroys the keys of all previews that a person had made of others' voices; names the files that are left."""
    theirs = list(Preview.objects.filter(owner__pk=user_id))
    for preview in theirs:
        keys.destroy(stream_of(preview.voice_key), preview.id)
    Preview.objects.filter(id__in=[preview.id for preview in theirs]).delete()
    return tuple(preview.audio_id for preview in theirs)


def remove(replaced: Replaced) -> None:
    """Deletes the files, once the transaction is durable."""
    remove_files(replaced.audio_ids)


def remove_files(audio_ids: Iterable[str]) -> None:
    audio = record.sounds()
    gone = [audio.delete(audio_id) for audio_id in audio_ids if audio_id]
    if gone:
        scrub.empty_journal()
