"""Sessions: who is, or was, connected."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from conversations.admin import bulk
from conversations.admin.confirm import Target
from conversations.admin.deed import Subject
from conversations.admin.deeds import CUT, MUTE
from conversations.admin.filters import (
    as_uuid,
    choice_filter,
    identity_filter,
    name_of_person,
    value_filter,
)
from conversations.admin.form_filters import period_filter
from conversations.admin.links import conversation_link, conversation_url
from conversations.admin.readonly import ReadOnlyAdmin, moment, short, when
from conversations.admin.voice_names import VOICE_FILTER, name_voices, voice_name
from conversations.models import Session
from conversations.oversight.presence import live


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin[Session]):
    ordering = ("-opened_at",)
    list_select_related = ("conversation__owner",)
    list_display = ("opened", "where", "person", "spoken_in", "voice_used", "model_used", "state", "closed")
    list_filter = (
        choice_filter(
            "state",
            _("state"),
            {
                "live": (_("live now"), lambda: Q(session_id__in=live().order_by().values("session_id"))),
                "open": (_("open"), Q(closed_at=None)),
                "muted": (_("muted"), Q(closed_at=None, muted=True)),
                "closed": (_("closed"), Q(closed_at__isnull=False)),
            },
        ),
        period_filter("opened_at"),
        choice_filter(
            "errors",
            format_lazy("{}: {}", _("conversation"), _("errors")),
            {
                "some": (_("with errors"), Q(conversation__error_count__gt=0)),
                "none": (_("none"), Q(conversation__error_count=0)),
            },
        ),
        choice_filter(
            "flags",
            format_lazy("{}: {}", _("conversation"), _("flags")),
            {
                "open": (_("with open flags"), Q(conversation__open_flags__gt=0)),
                "none": (_("without"), Q(conversation__open_flags=0)),
            },
        ),
        VOICE_FILTER,
        value_filter("language", _("language")),
        identity_filter("person", _("person"), "conversation__owner", name_of_person),
        identity_filter("conversation", _("conversation"), "conversation", short),
    )
    search_help_text = _("A session's, conversation's or person's id, or the beginning of a person's name.")

    def shown(self, request: HttpRequest, rows: list[Session]) -> None:
        name_voices(request, rows)

    def search(self, found: "QuerySet[Session]", term: str) -> "QuerySet[Session]":
        if (identifier := as_uuid(term)) is not None:
            return found.filter(Q(conversation=identifier) | Q(conversation__owner=identifier))
        return found.filter(Q(session_id=term) | Q(conversation__owner__username__istartswith=term))

    def get_actions(self, request: HttpRequest) -> Any:
        return bulk.actions(request, (MUTE, CUT), _target)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """A session is looked at in its conversation."""
        session = self.get_object(request, unquote(object_id))
        if session is None or not self.has_view_permission(request, session):
            return super().change_view(request, object_id, form_url, extra_context)
        return HttpResponseRedirect(conversation_url(session.conversation_id, "sessions"))

    @admin.display(description=_("opened"))
    def opened(self, session: Session) -> str:
        return when(session.opened_at)

    @admin.display(description=_("conversation"))
    def where(self, session: Session) -> str:
        return conversation_link(session.conversation_id)

    @admin.display(description=_("person"))
    def person(self, session: Session) -> str:
        return session.conversation.owner.get_username()

    @admin.display(description=_("language"))
    def spoken_in(self, session: Session) -> str:
        return session.language

    @admin.display(description=_("voice"))
    def voice_used(self, session: Session) -> str:
        return voice_name(session)

    @admin.display(description=_("model"))
    def model_used(self, session: Session) -> str:
        return session.model

    @admin.display(description=_("state"))
    def state(self, session: Session) -> str:
        if session.closed_at is not None:
            return session.close_reason
        return str(_("muted") if session.muted else _("open"))

    @admin.display(description=_("closed"))
    def closed(self, session: Session) -> str:
        return when(session.closed_at)


def _target(session: Session) -> Target:
    name = f"{short(session.conversation_id)} · {session.conversation.owner.get_username()}"
    return Target(Subject(str(session.conversation_id), session.session_id), f"{name} · {moment(session.opened_at)}")
