"""Turns that were recorded. To listen leads to the conversation, where opening a sound is itself recorded."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from conversations.admin.filters import choice_filter, latency_filter, value_filter
from conversations.admin.form_filters import period_filter
from conversations.admin.readonly import seconds
from conversations.admin.turns import CONVERSATION_FILTER, ERROR_FILTER, FLAG_FILTER, PERSON_FILTER, TurnLists
from conversations.admin.voice_names import VOICE_FILTER
from conversations.models import Recording, Turn

_USER, _REPLY = ~Q(user_audio_id=""), ~Q(reply_audio_id="")


@admin.register(Recording)
class RecordingAdmin(TurnLists):
    list_display = ("started", "nth", "where", "person", "said", "answered", "spoken_in", "voice_used", "flag_count")
    list_filter = (
        period_filter("started_at"),
        FLAG_FILTER,
        choice_filter("whose", _("sound of"), {"user": (_("the person"), _USER), "reply": (_("the answer"), _REPLY)}),
        ERROR_FILTER,
        latency_filter("first_audio_ms"),
        value_filter("language", _("language")),
        VOICE_FILTER,
        PERSON_FILTER,
        CONVERSATION_FILTER,
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Turn]":
        return super().get_queryset(request).filter(_USER | _REPLY)

    @admin.display(description=_("the person"))
    def said(self, turn: Turn) -> str:
        return seconds(turn.user_audio_ms) if turn.user_audio_id else ""

    @admin.display(description=_("the answer"))
    def answered(self, turn: Turn) -> str:
        return (seconds(turn.heard_ms) or "…") if turn.reply_audio_id else ""
