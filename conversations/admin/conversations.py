"""Conversations: the list with a moderator's filters, and the page of each."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from common.texts import Text
from conversations.admin import bulk, conversation_page, conversation_urls
from conversations.admin.confirm import Target
from conversations.admin.deed import Subject
from conversations.admin.deeds import ERASE, FLAG, HIDE, UNHIDE
from conversations.admin.filters import (
    as_uuid,
    choice_filter,
    identity_filter,
    latency_filter,
    name_of_person,
    value_filter,
)
from conversations.admin.form_filters import period_filter
from conversations.admin.labels import KEEP
from conversations.admin.links import conversation_link, person_link
from conversations.admin.readonly import ReadOnlyAdmin, moment, seconds, short, when
from conversations.admin.turns import FLAG_FILTER, KEEP_FILTER
from conversations.admin.voice_names import VOICE_FILTER, name_voices, voice_name
from conversations.models import Conversation, Keep
from conversations.oversight.presence import live


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin[Conversation]):
    ordering = ("-updated_at", "-id")
    list_select_related = ("owner",)
    list_display = (
        "name",
        "person",
        "updated",
        "turns",
        "language",
        "voice_used",
        "errors",
        "wait",
        "flag_count",
        "state",
    )
    list_filter = (
        period_filter("updated_at"),
        FLAG_FILTER,
        choice_filter(
            "state",
            _("state"),
            {
                "live": (_("live now"), lambda: Q(id__in=live().order_by().values("conversation"))),
                "hidden": (_("hidden"), Q(hidden=True)),
                "erased": (_("erased"), Q(erased_at__isnull=False)),
                "plain": (_("neither hidden nor erased"), Q(hidden=False, erased_at=None)),
            },
        ),
        choice_filter(
            "errors",
            _("errors"),
            {"some": (_("with errors"), Q(error_count__gt=0)), "none": (_("none"), Q(error_count=0))},
        ),
        latency_filter("slowest_ms"),
        KEEP_FILTER,
        value_filter("language", _("language")),
        VOICE_FILTER,
        identity_filter("person", _("person"), "owner", name_of_person),
        identity_filter("fork", _("forked from"), "forked_from", short),
    )
    fields = (
        ("person", "started", "updated"),
        ("language", "voice_used", "kept"),
        ("turns", "errors", "wait"),
        ("state", "fork"),
    )
    readonly_fields = ("person", "started", "updated", "turns", "voice_used", "kept", "errors", "wait", "state", "fork")
    search_help_text = _(
        "A conversation's or a person's id, or the beginning of a person's name. Words are not searched."
    )

    def shown(self, request: HttpRequest, rows: list[Conversation]) -> None:
        name_voices(request, rows)

    def search(self, found: "QuerySet[Conversation]", term: str) -> "QuerySet[Conversation]":
        if (identifier := as_uuid(term)) is not None:
            return found.filter(Q(id=identifier) | Q(owner=identifier))
        return found.filter(owner__username__istartswith=term)

    def get_actions(self, request: HttpRequest) -> Any:
        return bulk.actions(request, (FLAG, HIDE, UNHIDE, ERASE), target_of)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Conversation | None:
        found: Conversation | None = super().get_object(request, object_id, from_field)
        if found is not None:
            name_voices(request, [found])
        return found

    def get_urls(self) -> list[URLPattern]:
        return [*conversation_urls.urls(self), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        conversation = self.get_object(request, unquote(object_id))
        page = None
        if conversation is not None and self.has_view_permission(request, conversation):
            page = conversation_page.build(request, conversation)
        return super().change_view(request, object_id, form_url, {"page": page})

    @admin.display(description=_("conversation"))
    def name(self, conversation: Conversation) -> str:
        return short(conversation.id)

    @admin.display(description=_("person"))
    def person(self, conversation: Conversation) -> str:
        return person_link(conversation.owner_id, conversation.owner.get_username())

    @admin.display(description=_("started"))
    def started(self, conversation: Conversation) -> str:
        return when(conversation.started_at)

    @admin.display(description=_("last event"))
    def updated(self, conversation: Conversation) -> str:
        return when(conversation.updated_at)

    @admin.display(description=_("turns"))
    def turns(self, conversation: Conversation) -> int:
        return conversation.turn_count

    @admin.display(description=_("voice"))
    def voice_used(self, conversation: Conversation) -> str:
        return voice_name(conversation)

    @admin.display(description=_("kept"))
    def kept(self, conversation: Conversation) -> str:
        return str(KEEP[Keep(conversation.keep)])

    @admin.display(description=_("errors"))
    def errors(self, conversation: Conversation) -> str:
        return str(conversation.error_count or "")

    @admin.display(description=_("slowest answer"))
    def wait(self, conversation: Conversation) -> str:
        return seconds(conversation.slowest_ms)

    @admin.display(description=_("open flags"))
    def flag_count(self, conversation: Conversation) -> str:
        return str(conversation.open_flags or "")

    @admin.display(description=_("state"))
    def state(self, conversation: Conversation) -> str:
        if conversation.erased_at is not None:
            return str(_("erased"))
        said: list[Text] = [_("hidden")] if conversation.hidden else []
        if conversation.keep != Keep.SOUND:
            said.append(_("kept: %(what)s") % {"what": KEEP[Keep(conversation.keep)]})
        return ", ".join(map(str, said))

    @admin.display(description=_("forked from"))
    def fork(self, conversation: Conversation) -> str:
        return conversation_link(conversation.forked_from) if conversation.forked_from else ""


def target_of(conversation: Conversation) -> Target:
    label = f"{short(conversation.id)} · {conversation.owner.get_username()} · {moment(conversation.updated_at)}"
    return Target(Subject(str(conversation.id)), label)
