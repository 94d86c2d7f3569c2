"""Flags: what somebody, or a rule, asked a moderator to look at."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from conversations.admin import bulk
from conversations.admin.confirm import Target
from conversations.admin.deed import Subject
from conversations.admin.deeds import DISMISS, UPHOLD
from conversations.admin.filters import (
    as_uuid,
    choice_filter,
    identity_filter,
    name_of_person,
    value_filter,
)
from conversations.admin.form_filters import period_filter
from conversations.admin.labels import FLAG_STATUS, flag_reason
from conversations.admin.links import conversation_link, conversation_url, turn_anchor
from conversations.admin.readonly import ReadOnlyAdmin, moment, short, when
from conversations.admin.voice_names import voice_names
from conversations.models import Flag, FlagStatus


@admin.register(Flag)
class FlagAdmin(ReadOnlyAdmin[Flag]):
    ordering = ("-raised_at",)
    list_select_related = ("conversation__owner",)
    list_display = ("raised", "state", "why", "by_rule", "where", "person", "decided")
    list_filter = (
        choice_filter("status", _("status"), {s: (label, Q(status=s)) for s, label in FLAG_STATUS.items()}),
        period_filter("raised_at"),
        value_filter("reason", _("reason")),
        value_filter("rule", _("rule")),
        value_filter("conversation__language", _("language"), "language"),
        value_filter("conversation__voice", _("voice"), "voice", named=voice_names),
        identity_filter("person", _("person"), "conversation__owner", name_of_person),
        identity_filter("conversation", _("conversation"), "conversation", short),
    )
    search_help_text = _("A conversation's or a person's id, or the beginning of a person's name.")

    def search(self, found: "QuerySet[Flag]", term: str) -> "QuerySet[Flag]":
        if (identifier := as_uuid(term)) is not None:
            return found.filter(Q(conversation=identifier) | Q(conversation__owner=identifier) | Q(flag_id=term))
        return found.filter(conversation__owner__username__istartswith=term)

    def get_actions(self, request: HttpRequest) -> Any:
        return bulk.actions(request, (DISMISS, UPHOLD), _target)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """A flag is decided where it was raised: in its conversation."""
        flag = self.get_object(request, unquote(object_id))
        if flag is None or not self.has_view_permission(request, flag):
            return super().change_view(request, object_id, form_url, extra_context)
        return HttpResponseRedirect(conversation_url(flag.conversation_id, f"flag-{flag.flag_id}"))

    @admin.display(description=_("raised"))
    def raised(self, flag: Flag) -> str:
        return when(flag.raised_at)

    @admin.display(description=_("status"))
    def state(self, flag: Flag) -> str:
        return str(FLAG_STATUS[FlagStatus(flag.status)])

    @admin.display(description=_("reason"))
    def why(self, flag: Flag) -> str:
        return flag_reason(flag.reason)

    @admin.display(description=_("rule"))
    def by_rule(self, flag: Flag) -> str:
        return flag.rule

    @admin.display(description=_("conversation"))
    def where(self, flag: Flag) -> str:
        anchor = turn_anchor(flag.turn_id) if flag.turn_id else ""
        return conversation_link(flag.conversation_id, anchor)

    @admin.display(description=_("person"))
    def person(self, flag: Flag) -> str:
        return flag.conversation.owner.get_username()

    @admin.display(description=_("decided"))
    def decided(self, flag: Flag) -> str:
        return when(flag.decided_at)


def _target(flag: Flag) -> Target:
    label = f"{flag_reason(flag.reason)} · {flag.conversation.owner.get_username()} · {moment(flag.raised_at)}"
    return Target(Subject(str(flag.conversation_id), flag.flag_id), label)
