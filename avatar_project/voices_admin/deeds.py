"""What a voice manager can do to a voice; the subject's ``part`` is the voice's id."""

from django.utils.translation import gettext_lazy as _

from conversations.admin.deed import Deed, to_part_noted
from voices import services
from voices.reasons import ApproveReason, RejectReason, RevokeReason

_FOR_MANAGERS = _("For other managers. It is kept encrypted with the voice and dies with it.")
_FOR_THE_OWNER = _(
    "The owner of the voice reads it, and so do other managers. It is kept encrypted with the voice and dies with it."
)

APPROVE = Deed(
    name="approve",
    permission="voices.approve_voice",
    label=_("Approve"),
    question=_("Let everybody here be answered in this voice?"),
    follows=_("Everybody on this server may choose it, until its owner takes it back or it is revoked."),
    done=_("The voice is shared."),
    reasons=ApproveReason,
    run=to_part_noted(services.approve),
    note_for=_FOR_MANAGERS,
)
REJECT = Deed(
    name="reject",
    permission="voices.approve_voice",
    label=_("Reject"),
    question=_("Not share this voice?"),
    follows=_("Its owner goes on using it alone, reads the reason and the note, and may ask again."),
    done=_("The voice is not shared."),
    reasons=RejectReason,
    run=to_part_noted(services.reject),
    note_for=_FOR_THE_OWNER,
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
    run=to_part_noted(services.revoke),
    note_for=_FOR_THE_OWNER,
    final=True,
)
BY_NAME = {deed.name: deed for deed in (APPROVE, REJECT, REVOKE)}


def offered(state: str) -> tuple[Deed, ...]:
    """What makes sense in a state of `voices.models.State`."""
    if state == "waiting":
        return (APPROVE, REJECT, REVOKE)
    return () if state in {"revoked", "deleted"} else (REVOKE,)
