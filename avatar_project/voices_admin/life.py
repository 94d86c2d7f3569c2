"""The life of a voice in a few words each: what happened to it, when, by whom, and why."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.reasons import label
from common.texts import Text
from conversations.admin.trails import name_of, names_of
from conversations.log.codec import decode
from conversations.log.facts import Fact, fact_of
from conversations.log.keys import KeyRing
from conversations.log.models import Event
from voices import events, reasons

LONGEST = 200
"""Acts that are read, the latest."""
_OFFERED: dict[type[Fact], type[TextChoices]] = {
    events.VoiceApproved: reasons.ApproveReason,
    events.VoiceRejected: reasons.RejectReason,
    events.VoiceRevoked: reasons.RevokeReason,
    events.VoiceHeard: reasons.ListenReason,
}
"""The reasons that managers choose among; the same code says different things in different lists."""
_WHAT: dict[type[Fact], Text] = {
    events.VoiceCreated: _("made"),
    events.VoiceChanged: _("language changed"),
    events.SampleAdded: _("sample recorded"),
    events.TranscriptCorrected: _("transcript corrected"),
    events.ConsentAsked: _("consent asked for"),
    events.ConsentRefused: _("consent did not count"),
    events.ConsentWithdrawn: _("consent withdrawn"),
    events.SharingAsked: _("asked to be shared"),
    events.SharingEnded: _("no longer shared"),
    events.VoiceApproved: _("approved"),
    events.VoiceRejected: _("rejected"),
    events.VoiceRevoked: _("revoked"),
    events.VoiceHeard: _("listened to"),
    events.VoiceDeleted: _("deleted"),
}


@dataclass(frozen=True, slots=True)
class Act:
    at: datetime
    who: str
    what: Text
    note: str


def life_of(voice_id: UUID, *, notes: bool) -> tuple[Act, ...]:
    """The latest acts, the last first; ``notes``: with what managers noted. Ratings are not told one by one."""
    stream = events.stream_of(voice_id)
    found = Event.objects.filter(stream=stream).exclude(type=events.VoiceRated.type).order_by("-sequence")
    rows = list(found[:LONGEST])
    ring = KeyRing.load(stream, [""]) if rows and notes else KeyRing(stream)
    recorded = [decode(row, ring) for row in rows]
    names = names_of(event.metadata.actor for event in recorded)
    acts = []
    for event in recorded:
        fact = fact_of(event)
        note = str(getattr(fact, "note", "")) if notes else ""
        acts.append(Act(event.recorded_at, name_of(event.metadata.actor, names), _said(fact), note))
    return tuple(acts)


def _said(fact: Fact) -> str:
    what = str(_WHAT.get(type(fact), fact.type))
    if isinstance(fact, events.ConsentGiven):
        near = {"words": fact.words_heard, "figure": f"{fact.similarity:.2f}", "needed": f"{fact.threshold:.2f}"}
        what = gettext("consent given (%(words)s words, likeness %(figure)s, needed %(needed)s)") % near
    code = str(getattr(fact, "reason", ""))
    if not code:
        return what
    offered = _OFFERED.get(type(fact))
    return f"{what}: {label(offered, code) if offered is not None else code}"
