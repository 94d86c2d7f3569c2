"""What managers decided, in the reader's language."""

from common.reasons import label
from voices.reasons import RejectReason, RevokeReason
from voices.types import Decision


def reason(decision: Decision, *, revoked: bool) -> str:
    """Why a manager revoked or rejected a voice, with the note to its owner."""
    said_so = label(RevokeReason if revoked else RejectReason, decision.reason)
    return f"{said_so}. {decision.note}" if decision.note else f"{said_so}."
