"""The ends of a voice: consent withdrawn, revoked by a manager, deleted. Each silences it at once, everywhere.

First, in one transaction, the fact is appended and keys are destroyed: from then on nothing opens the sounds. Then
those who speak are told, and the files go; whoever is killed in between leaves the rest to the sweeper.
"""

from uuid import UUID

from django.utils import timezone

from common.reasons import checked, checked_note
from conversations.log import keys
from voices import record
from voices.access import Actor, owned, permitted
from voices.events import ConsentWithdrawn, VoiceDeleted, VoiceRevoked, stream_of
from voices.models import SPEAKS, Preview, State, Voice, VoiceName
from voices.services import recalls, replacing
from voices.services.stopping import tell_stopped

OWNER, ENDED = "owner", "ended"
"""Why a consent is over: its owner withdrew it, or it came to its own end."""


def withdraw_consent(voice_id: str | UUID, *, actor: Actor) -> None:
    """Ends the actor's own consent; sample, recordings and previews are erased. Raises `VoiceNotFound`."""
    _withdraw(owned(actor, voice_id), OWNER, actor)


def end_consents() -> int:
    """Withdraws the consents that have come to their own end; returns how many."""
    over = Voice.objects.filter(state__in=SPEAKS, consent_until__lte=timezone.now())
    for voice in over:
        _withdraw(voice, ENDED, None)
    return len(over)


def revoke(voice_id: str | UUID, *, actor: Actor, reason: str, note: str = "") -> None:
    """Nobody may speak in it any more, its owner neither; the sample stays until its owner deletes it.

    Revoked already: nothing happens. Raises `NotAllowed`, `VoiceNotFound`, `Invalid`.
    """
    fact = VoiceRevoked(reason=checked(reason), note=checked_note(note))

    def work() -> bool:
        voice = permitted(actor, voice_id, "revoke_voice")
        if voice.state == State.REVOKED:
            return False
        record.append(stream_of(voice.id), fact, actor=actor)
        recalls.note([voice.sample_id])
        return True

    if record.write(work):
        tell_stopped(voice_id, reason)


def delete(voice_id: str | UUID, *, actor: Actor) -> None:
    """Erases a voice of the actor's own: sounds, words and keys are gone, the record keeps that there was one.

    Raises `VoiceNotFound`.
    """
    bury(owned(actor, voice_id), actor=actor, reason=OWNER)


def erase_all_of(user_id: str | UUID, *, actor_id: str, reason: str) -> int:
    """Erases all voices of a person, for `conversations.services.erasure`; may be called again. Returns how many.

    Asks nobody: the caller has.
    """
    theirs = list(Voice.objects.filter(owner__pk=user_id))
    for voice in theirs:
        bury(voice, actor=actor_id, reason=reason)
    replacing.remove_files(record.write(lambda: replacing.forget_previews_of(user_id)))
    return len(theirs)


def any_left_of(user_id: str | UUID) -> bool:
    """Whether the person has voices that are not deleted, or previews; for the transaction that closes their record."""
    voices = Voice.objects.filter(owner__pk=user_id).exclude(state=State.DELETED)
    return voices.exists() or Preview.objects.filter(owner__pk=user_id).exists()


def stop_all_of(user_id: str | UUID, *, reason: str) -> None:
    """Silences all voices of a person who was blocked; `selectors.reference_for` refuses them meanwhile."""
    for voice in Voice.objects.filter(owner__pk=user_id, state__in=SPEAKS):
        tell_stopped(voice.id, reason)


def bury(voice: Voice, *, actor: Actor | str, reason: str) -> None:
    """Deletes a voice without asking who may; once more, it finishes what is left."""
    stream = stream_of(voice.id)

    def work() -> replacing.Replaced:
        replaced = replacing.forget_sounds(voice)
        if Voice.objects.filter(id=voice.id).exclude(state=State.DELETED).exists():
            record.append(stream, VoiceDeleted(reason=reason), actor=actor)
        keys.destroy(stream)
        VoiceName.objects.filter(voice_id=voice.id).delete()
        return replaced

    replaced = record.write(work)
    tell_stopped(voice.id, "deleted")
    replacing.remove(replaced)


def _withdraw(voice: Voice, reason: str, actor: Actor | None) -> None:
    def work() -> replacing.Replaced | None:
        standing = Voice.objects.get(id=voice.id)
        if standing.state == State.DELETED or not standing.sample_id:
            return None
        if reason == ENDED and (standing.consent_until is None or standing.consent_until > timezone.now()):
            return None  # Given anew meanwhile.
        replaced = replacing.forget_sounds(standing)
        record.append(stream_of(standing.id), ConsentWithdrawn(reason=reason), actor=actor)
        return replaced

    replaced = record.write(work)
    if replaced is not None:
        tell_stopped(voice.id, "withdrawn")
        replacing.remove(replaced)
