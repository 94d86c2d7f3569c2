"""What codes are called on the admin's pages."""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

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

Text = str | Promise

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
_REASONS: dict[str, Text] = {
    str(code): label
    for choices in (
        reasons.FlagReason,
        reasons.UpholdReason,
        reasons.DismissReason,
        reasons.HideReason,
        reasons.EraseReason,
        reasons.InspectReason,
        reasons.LiveReason,
    )
    for code, label in choices.choices
}


def reason_label(code: str) -> str:
    """What a reason's code says; rules and programs may have codes of their own."""
    return str(_REASONS.get(code, code))


def inspect_reasons() -> list[tuple[str, str]]:
    """What somebody may give as the reason for reading or listening."""
    return [(code, str(label)) for code, label in reasons.InspectReason.choices]


def acted(fact: Fact) -> str:
    """An act of moderation in a few words, its reason included."""
    said = str(_deed(fact))
    reason = str(getattr(fact, "reason", ""))
    return f"{said}: {reason_label(reason)}" if reason else said


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
