"""What codes are called on the admin's pages."""

from django.db.models import TextChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.reasons import label
from common.texts import Text
from conversations.events import (
    ConversationErased,
    ConversationHidden,
    Fact,
    FlagDecided,
    FlagRaised,
    KeepChanged,
    RecordingHeard,
    SessionCut,
    SessionMuted,
    TurnRedacted,
)
from conversations.models import FlagStatus, Keep, TurnStatus
from conversations.people_events import PersonBlocked, PersonErased, PersonUnblocked
from conversations.services import reasons

TURN_STATUS: dict[TurnStatus, Text] = {
    TurnStatus.OPEN: _("open"),
    TurnStatus.COMPLETED: _("completed"),
    TurnStatus.CANCELLED: _("cut off"),
    TurnStatus.FAILED: _("failed"),
    TurnStatus.INCOMPLETE: _("incomplete"),
}
FLAG_STATUS: dict[FlagStatus, Text] = {
    FlagStatus.OPEN: _("open"),
    FlagStatus.DISMISSED: _("dismissed"),
    FlagStatus.UPHELD: _("upheld"),
}
KEEP: dict[Keep, Text] = {Keep.SOUND: _("sound and words"), Keep.TEXT: _("words"), Keep.NOTHING: _("nothing")}
_OFFERED: dict[type[Fact], type[TextChoices]] = {
    FlagRaised: reasons.FlagReason,
    ConversationHidden: reasons.HideReason,
    TurnRedacted: reasons.EraseReason,
    ConversationErased: reasons.EraseReason,
    PersonErased: reasons.EraseReason,
    RecordingHeard: reasons.InspectReason,
    SessionMuted: reasons.LiveReason,
    SessionCut: reasons.LiveReason,
    PersonBlocked: reasons.LiveReason,
    PersonUnblocked: reasons.LiveReason,
}
"""The reasons that people choose among; the same code says different things in different lists."""
_DECIDED: dict[str, type[TextChoices]] = {"dismissed": reasons.DismissReason, "upheld": reasons.UpholdReason}


def flag_reason(code: str) -> str:
    """What the reason of a flag says."""
    return label(reasons.FlagReason, code)


def inspect_reasons() -> list[tuple[str, str]]:
    """What somebody may give as the reason for reading or listening."""
    return [(code, str(said)) for code, said in reasons.InspectReason.choices]


def acted(fact: Fact) -> str:
    """An act of moderation in a few words, its reason included."""
    said = str(_deed(fact))
    reason = str(getattr(fact, "reason", ""))
    offered = _DECIDED[fact.decision] if isinstance(fact, FlagDecided) else _OFFERED.get(type(fact))
    if not reason or offered is None:
        return f"{said}: {reason}" if reason else said
    return f"{said}: {label(offered, reason)}"


def _deed(fact: Fact) -> Text:  # noqa: PLR0911 - one line a fact
    match fact:
        case FlagRaised():
            return gettext("flagged")
        case FlagDecided():
            return FLAG_STATUS[FlagStatus(fact.decision)]
        case ConversationHidden():
            return gettext("hidden") if fact.hidden else gettext("shown again")
        case TurnRedacted():
            return gettext("sound redacted") if fact.what == "sound" else gettext("turn redacted")
        case RecordingHeard():
            return gettext("words read") if fact.what == "words" else gettext("recording heard")
        case SessionMuted():
            return gettext("muted") if fact.muted else gettext("unmuted")
        case SessionCut():
            return gettext("session ended")
        case ConversationErased() | PersonErased():
            return gettext("erased")
        case PersonBlocked():
            return gettext("blocked")
        case PersonUnblocked():
            return gettext("unblocked")
        case KeepChanged():
            return gettext("kept from here on: %(what)s") % {"what": KEEP[Keep(fact.keep)]}
        case _:
            return fact.type
