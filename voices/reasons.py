"""Why something was decided about a voice: short codes, which stand in the record in clear; words go into the note."""

import re

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from voices.errors import Invalid

_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,79}")


class ApproveReason(TextChoices):
    SUITABLE = "suitable", _("Suitable for everybody")
    REVIEWED = "reviewed", _("Reviewed again")
    OTHER = "other", _("Something else")


class RejectReason(TextChoices):
    QUALITY = "quality", _("The sample is not good enough")
    IDENTITY = "identity", _("It may not be the owner's voice")
    LIKENESS = "likeness", _("Too like a known person")
    UNSUITABLE = "unsuitable", _("Not suitable for everybody")
    OTHER = "other", _("Something else")


class RevokeReason(TextChoices):
    ABUSE = "abuse", _("It is being abused")
    IDENTITY = "identity", _("It is not the owner's voice")
    COMPLAINT = "complaint", _("A complaint")
    LEGAL = "legal", _("The law asks for it")
    OTHER = "other", _("Something else")


class ListenReason(TextChoices):
    """Why somebody listens to another's sample or consent."""

    DECISION = "decision", _("To decide about sharing")
    COMPLAINT = "complaint", _("A complaint")
    SUPPORT = "support", _("The person asked for help")
    LEGAL = "legal", _("The law asks for it")


def checked(reason: str) -> str:
    """The code itself. Raises `Invalid`: free words do not belong where they cannot be erased."""
    if _CODE.fullmatch(reason) is None:
        raise Invalid(_("A reason is a short code of small letters, such as quality."), code="reason")
    return reason
