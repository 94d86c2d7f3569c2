"""Why something was decided about a voice: short codes, which stand in the record in clear; words go into the note."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


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
