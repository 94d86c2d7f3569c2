"""What the admin's first page says about conversations."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from conversations.admin.readonly import moment
from conversations.models import Flag, FlagStatus, Turn, Verification
from conversations.oversight.presence import live
from voices.models import State, Voice

register = template.Library()


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, or a few words, and the list behind it."""

    label: str | Promise
    value: str
    url: str
    alarming: bool = False


@register.inclusion_tag("admin/conversations/panel.html", takes_context=True)
def moderation_panel(context: dict[str, Any]) -> dict[str, Any]:
    """Five figures at most, each one query by an index, of what this person may see."""
    user = context["request"].user
    figures: list[Figure] = []
    if user.has_perm("conversations.view_flag"):
        flags = Flag.objects.filter(status=FlagStatus.OPEN).count()
        url = reverse("admin:conversations_flag_changelist") + "?status=open"
        figures.append(Figure(_("Open flags"), str(flags), url, alarming=flags > 0))
    if user.has_perm("voices.approve_voice"):
        waiting = Voice.objects.filter(state=State.WAITING).count()
        url = reverse("admin:voices_voice_changelist") + "?state=waiting"
        figures.append(Figure(_("Voices waiting for a decision"), str(waiting), url, alarming=waiting > 0))
    if user.has_perm("conversations.view_session"):
        watches = user.has_perm("conversations.watch_session")
        url = reverse("live:index") if watches else reverse("admin:conversations_session_changelist") + "?state=live"
        figures.append(Figure(_("Live sessions"), str(live().order_by().count()), url))
    if user.has_perm("conversations.view_turn"):
        since = timezone.now() - timedelta(days=1)
        errors = Turn.objects.filter(started_at__gte=since).exclude(error_code="").count()
        url = reverse("admin:conversations_turn_changelist") + "?period=day&error=any"
        figures.append(Figure(_("Turns with errors, last 24 hours"), str(errors), url, alarming=errors > 0))
    if user.has_perm("log.view_event"):
        figures.append(_last_verified())
    return {"figures": figures}


def _last_verified() -> Figure:
    verdict = Verification.objects.filter(stream="").order_by("-at").first()
    url = reverse("admin:log_event_changelist")
    label = _("Whole chain last verified")
    if verdict is None:
        return Figure(label, gettext("never"), url)
    said = gettext("%(when)s, broken") if verdict.breaks else gettext("%(when)s, it holds")
    return Figure(label, said % {"when": moment(verdict.at)}, url, alarming=verdict.breaks > 0)
