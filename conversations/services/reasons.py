"""Why something was done, as short codes: they stand in the record in clear and outlive what they are about.

A service takes any code of this form, so that rules and programs can bring their own; the lists are what people are
offered.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class FlagReason(TextChoices):
    """Why somebody should look."""

    HARASSMENT = "harassment", _("Harassment or threats")
    HATE = "hate", _("Hatred")
    SEXUAL = "sexual", _("Sexual content")
    VIOLENCE = "violence", _("Violence")
    SELF_HARM = "self_harm", _("Self-harm")
    CHILD_SAFETY = "child_safety", _("A child's safety")
    PERSONAL_DATA = "personal_data", _("Personal data of others")
    ILLEGAL = "illegal", _("Against the law")
    QUALITY = "quality", _("A wrong or broken answer")
    OTHER = "other", _("Something else")


class UpholdReason(TextChoices):
    CONFIRMED = "confirmed", _("The flag is right")
    HANDLED = "handled", _("Right, and dealt with")
    OTHER = "other", _("Something else")


class DismissReason(TextChoices):
    HARMLESS = "harmless", _("Nothing is wrong")
    RULE_MISTAKEN = "rule_mistaken", _("The rule was mistaken")
    DUPLICATE = "duplicate", _("Flagged twice")
    OTHER = "other", _("Something else")


class HideReason(TextChoices):
    UNDER_REVIEW = "under_review", _("Under review")
    HARMFUL = "harmful", _("Harmful to keep in sight")
    LEGAL = "legal", _("The law asks for it")
    REVIEWED = "reviewed", _("Reviewed: it may be seen again")
    OTHER = "other", _("Something else")


class EraseReason(TextChoices):
    """Why words or sound are destroyed, or a person is erased."""

    REQUEST = "request", _("The person asked for it")
    THIRD_PARTY = "third_party", _("Personal data of others")
    HARMFUL = "harmful", _("Harmful content")
    LEGAL = "legal", _("The law asks for it")
    OTHER = "other", _("Something else")


class InspectReason(TextChoices):
    """Why somebody reads or listens to what another said."""

    FLAG = "flag", _("To decide about a flag")
    COMPLAINT = "complaint", _("A complaint")
    SUPPORT = "support", _("The person asked for help")
    QUALITY = "quality", _("Quality")
    LEGAL = "legal", _("The law asks for it")


class LiveReason(TextChoices):
    """Why a live session is muted or ended, or a person blocked."""

    ABUSE = "abuse", _("Abuse")
    DANGER = "danger", _("Somebody is in danger")
    LOAD = "load", _("The server is needed for others")
    MAINTENANCE = "maintenance", _("Maintenance")
    RESOLVED = "resolved", _("Resolved: it may go on")
    OTHER = "other", _("Something else")
