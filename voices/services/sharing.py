"""Sharing a voice with everybody: asked for by its owner, decided by a voice manager."""

from collections.abc import Callable
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.reasons import checked, checked_note
from conversations.log.facts import Fact
from voices import record
from voices.access import Actor, owned, permitted
from voices.errors import NotAllowed, WrongState
from voices.events import SharingAsked, SharingEnded, VoiceApproved, VoiceRejected, stream_of
from voices.models import State, Voice
from voices.services.stopping import tell_stopped


def share(voice_id: str | UUID, *, actor: Actor) -> None:
    """Asks for a voice of the actor's own to be shared; guests, whom nobody could ask, may not.

    Raises `VoiceNotFound`, `WrongState`, `NotAllowed`.
    """

    def work() -> None:
        voice = owned(actor, voice_id)
        if voice.state in {State.WAITING, State.APPROVED}:
            return
        _require_account(voice)
        if voice.state not in {State.USABLE, State.REJECTED} or not consent_holds(voice):
            raise WrongState(_("Only a voice that is ready for you can be shared: give your consent first."))
        if voice.consent_scope != "shared":
            raise WrongState(
                _("Your consent is for yourself alone: withdraw it and give one for everybody."), code="consent_scope"
            )
        record.append(stream_of(voice.id), SharingAsked(), actor=actor)

    record.write(work)


def unshare(voice_id: str | UUID, *, actor: Actor) -> None:
    """Takes a voice of the actor's own back from everybody, at once. Raises `VoiceNotFound`."""

    def work() -> bool:
        voice = owned(actor, voice_id)
        if voice.state not in {State.WAITING, State.APPROVED}:
            return False
        record.append(stream_of(voice.id), SharingEnded(), actor=actor)
        return voice.state == State.APPROVED

    if record.write(work):
        tell_stopped(voice_id, "unshared")


def approve(voice_id: str | UUID, *, actor: Actor, reason: str = "suitable", note: str = "") -> None:
    """Lets everybody speak in it. Raises `NotAllowed`, `VoiceNotFound`, `WrongState`, `Invalid`."""
    fact = VoiceApproved(reason=checked(reason), note=checked_note(note))
    _decide(voice_id, _require_consent, fact, actor)


def reject(voice_id: str | UUID, *, actor: Actor, reason: str, note: str = "") -> None:
    """Its owner goes on using it alone. Raises as `approve`."""
    fact = VoiceRejected(reason=checked(reason), note=checked_note(note))
    _decide(voice_id, lambda _: None, fact, actor)


def consent_holds(voice: Voice) -> bool:
    return voice.consent_until is not None and voice.consent_until > timezone.now()


def _decide(voice_id: str | UUID, judged: Callable[[Voice], None], fact: Fact, actor: Actor) -> None:
    def work() -> None:
        voice = permitted(actor, voice_id, "approve_voice")
        if voice.state != State.WAITING:
            raise WrongState(_("This voice is not waiting for a decision: its owner took it back, or it was decided."))
        judged(voice)
        record.append(stream_of(voice.id), fact, actor=actor)

    record.write(work)


def _require_account(voice: Voice) -> None:
    if voice.owner is None or voice.owner.is_guest:
        raise NotAllowed(
            _("Guests cannot share a voice: lending one to everybody needs an account. Sign in, and make it there."),
            code="guest",
        )


def _require_consent(voice: Voice) -> None:
    _require_account(voice)
    if not consent_holds(voice):
        raise WrongState(_("The consent has come to its end: its owner has to give it anew."), code="consent_ended")
