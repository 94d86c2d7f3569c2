"""Turns of all conversations: how each went, and never what was said."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from conversations.admin import bulk
from conversations.admin.confirm import Target
from conversations.admin.deed import Subject
from conversations.admin.deeds import ABOUT_TURNS
from conversations.admin.filters import (
    as_uuid,
    choice_filter,
    identity_filter,
    latency_filter,
    name_of_person,
    value_filter,
)
from conversations.admin.form_filters import period_filter
from conversations.admin.labels import KEEP, TURN_STATUS
from conversations.admin.links import conversation_link, conversation_url, turn_anchor
from conversations.admin.readonly import ReadOnlyAdmin, moment, seconds, short, when
from conversations.admin.voice_names import VOICE_FILTER, name_voices, voice_name
from conversations.models import Turn, TurnStatus

KEEP_FILTER = choice_filter("keep", _("what is kept"), {k: (label, Q(keep=k)) for k, label in KEEP.items()})
FLAG_FILTER = choice_filter(
    "flags",
    _("flags"),
    {"open": (_("with open flags"), Q(open_flags__gt=0)), "none": (_("without"), Q(open_flags=0))},
)
ERROR_FILTER = choice_filter(
    "error", _("errors"), {"any": (_("with errors"), ~Q(error_code="")), "none": (_("none"), Q(error_code=""))}
)
CLONED_FILTER = choice_filter(
    "cloned",
    _("cloned voice"),
    {"yes": (_("in a person's voice"), Q(cloned=True)), "no": (_("in a built-in voice"), Q(cloned=False))},
)
PERSON_FILTER = identity_filter("person", _("person"), "conversation__owner", name_of_person)
CONVERSATION_FILTER = identity_filter("conversation", _("conversation"), "conversation", short)


class TurnLists(ReadOnlyAdmin[Turn]):
    """What the lists of turns and of recordings share."""

    ordering = ("-started_at",)
    list_select_related = ("conversation__owner",)
    search_help_text = _("A conversation's or a person's id, or the beginning of a person's name.")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Turn]":
        """Without the words: a list never shows them."""
        return super().get_queryset(request).defer("sealed_words")

    def shown(self, request: HttpRequest, rows: list[Turn]) -> None:
        name_voices(request, rows)

    def search(self, found: "QuerySet[Turn]", term: str) -> "QuerySet[Turn]":
        if (identifier := as_uuid(term)) is not None:
            return found.filter(Q(conversation=identifier) | Q(conversation__owner=identifier))
        return found.filter(conversation__owner__username__istartswith=term)

    def get_actions(self, request: HttpRequest) -> Any:
        return bulk.actions(request, ABOUT_TURNS, _target)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """A turn is looked at where it was spoken: in its conversation."""
        turn = self.get_object(request, unquote(object_id))
        if turn is None or not self.has_view_permission(request, turn):
            return super().change_view(request, object_id, form_url, extra_context)
        return HttpResponseRedirect(conversation_url(turn.conversation_id, turn_anchor(turn.turn_id)))

    @admin.display(description=_("started"))
    def started(self, turn: Turn) -> str:
        return when(turn.started_at)

    @admin.display(description=_("conversation"))
    def where(self, turn: Turn) -> str:
        return conversation_link(turn.conversation_id)

    @admin.display(description=_("turn"))
    def nth(self, turn: Turn) -> int:
        return turn.number

    @admin.display(description=_("person"))
    def person(self, turn: Turn) -> str:
        return turn.conversation.owner.get_username()

    @admin.display(description=_("language"))
    def spoken_in(self, turn: Turn) -> str:
        return turn.language

    @admin.display(description=_("voice"))
    def voice_used(self, turn: Turn) -> str:
        name = voice_name(turn)
        return f"{name} ({gettext('cloned')})" if turn.cloned else name

    @admin.display(description=_("flags"))
    def flag_count(self, turn: Turn) -> str:
        return str(turn.open_flags or "")


@admin.register(Turn)
class TurnAdmin(TurnLists):
    list_display = ("started", "nth", "where", "person", "ended", "spoken_in", "voice_used", "wait", "flag_count")
    list_filter = (
        period_filter("started_at"),
        FLAG_FILTER,
        choice_filter("status", _("status"), {s: (label, Q(status=s)) for s, label in TURN_STATUS.items()}),
        ERROR_FILTER,
        value_filter("error_code", _("error")),
        latency_filter("first_audio_ms"),
        KEEP_FILTER,
        choice_filter(
            "gone",
            _("redaction"),
            {"yes": (_("redacted"), Q(redacted=True)), "no": (_("not redacted"), Q(redacted=False))},
        ),
        value_filter("language", _("language")),
        VOICE_FILTER,
        value_filter("speech_engine", _("speech engine")),
        CLONED_FILTER,
        PERSON_FILTER,
        CONVERSATION_FILTER,
    )

    @admin.display(description=_("status"))
    def ended(self, turn: Turn) -> str:
        label = TURN_STATUS[TurnStatus(turn.status)]
        return f"{label}: {turn.error_code}" if turn.error_code else str(label)

    @admin.display(description=_("first sound after"))
    def wait(self, turn: Turn) -> str:
        return seconds(turn.first_audio_ms)


def _target(turn: Turn) -> Target:
    name = f"{short(turn.conversation_id)} · {gettext('turn')} {turn.number}"
    label = f"{name} · {turn.conversation.owner.get_username()} · {moment(turn.started_at)}"
    return Target(Subject(str(turn.conversation_id), turn.turn_id), label)
