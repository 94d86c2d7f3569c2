"""What a voice manager can do to a voice; the subject's ``part`` is the voice's id."""

from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from conversations.admin.deed import Cause, Deed, Run, Subject
from conversations.errors import Refused as DeedRefused
from conversations.services.access import Actor
from voices import services
from voices.errors import Refused, VoiceNotFound
from voices.reasons import ApproveReason, RejectReason, RevokeReason


def _done_by(service: Callable[..., None]) -> Run:
    def run(subject: Subject, actor: Actor, cause: Cause) -> None:
        try:
            service(subject.part, actor=actor, reason=cause.reason, note=cause.note)
        except (Refused, VoiceNotFound) as error:
            raise DeedRefused(str(error)) from error

    return run


APPROVE = Deed(
    name="approve",
    permission="voices.approve_voice",
    label=_("Approve"),
    question=_("Let everybody here be answered in this voice?"),
    follows=_("Everybody on this server may choose it, until its owner takes it back or it is revoked."),
    done=_("The voice is shared."),
    reasons=ApproveReason,
    run=_done_by(services.approve),
)
REJECT = Deed(
    name="reject",
    permission="voices.approve_voice",
    label=_("Reject"),
    question=_("Not share this voice?"),
    follows=_("Its owner goes on using it alone, reads the reason and the note, and may ask again."),
    done=_("The voice is not shared."),
    reasons=RejectReason,
    run=_done_by(services.reject),
)
REVOKE = Deed(
    name="revoke",
    permission="voices.revoke_voice",
    label=_("Revoke"),
    question=_("Silence this voice?"),
    follows=_(
        "Nothing is said in it any more, in the middle of a sentence too, and by nobody, its owner neither. Its owner "
        "reads the reason and the note. They would have to make another."
    ),
    done=_("The voice is revoked."),
    reasons=RevokeReason,
    run=_done_by(services.revoke),
    final=True,
)
BY_NAME = {deed.name: deed for deed in (APPROVE, REJECT, REVOKE)}


def offered(state: str) -> tuple[Deed, ...]:
    """What makes sense in a state of `voices.models.State`."""
    if state == "waiting":
        return (APPROVE, REJECT, REVOKE)
    return () if state in {"revoked", "deleted"} else (REVOKE,)
