"""Provenance: what was said in cloned voices, by which engine, for whom. Nobody's words are in it."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from avatar_project.voices_admin import detection
from avatar_project.voices_admin.voice_urls import voice_url
from conversations.admin.filters import as_uuid, choice_filter, identity_filter, name_of_person, value_filter
from conversations.admin.form_filters import period_filter
from conversations.admin.links import conversation_link
from conversations.admin.readonly import ReadOnlyAdmin, seconds, short, when
from conversations.admin.voice_names import name_voices, voice_name
from voices.listing import names_of
from voices.models import Utterance


def _voice_name(voice_id: str) -> str:
    found = as_uuid(voice_id)
    return names_of([found]).get(found, voice_id) if found is not None else voice_id


@admin.register(Utterance)
class UtteranceAdmin(ReadOnlyAdmin[Utterance]):
    ordering = ("-opened_at", "-id")
    list_display = ("at", "whose_voice", "owner_name", "speaker_name", "where", "engine", "length", "marked", "whole")
    list_filter = (
        period_filter("opened_at"),
        choice_filter(
            "marked",
            _("watermark"),
            {"yes": (_("watermarked"), Q(watermarked=True)), "no": (_("not known"), ~Q(watermarked=True))},
        ),
        value_filter("engine", _("engine")),
        value_filter("door", _("asked for by")),
        identity_filter("voice", _("voice"), "source", _voice_name, parse=str),
        identity_filter("owner", _("owner of the voice"), "owner", name_of_person, parse=str),
        identity_filter("conversation", _("conversation"), "conversation_id", short, parse=str),
    )
    fields = (
        ("at", "whose_voice", "owner_name", "speaker_name"),
        ("engine", "model", "quality", "door"),
        ("where", "length", "marked", "whole"),
        "fingerprint",
    )
    readonly_fields = ("at", "whose_voice", "owner_name", "speaker_name", "where", "length", "marked", "whole")
    change_list_template = "admin/voices/utterances.html"
    search_help_text = _("The id of an utterance, a voice, a person or a conversation.")

    def shown(self, request: HttpRequest, rows: list[Utterance]) -> None:
        name_voices(request, rows)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Utterance | None:
        found: Utterance | None = super().get_object(request, object_id, from_field)
        if found is not None:
            name_voices(request, [found])
        return found

    def search(self, found: "QuerySet[Utterance]", term: str) -> "QuerySet[Utterance]":
        everywhere = Q(id=term) | Q(source=term) | Q(owner=term) | Q(speaker=term) | Q(conversation_id=term)
        return found.filter(everywhere)

    def get_urls(self) -> list[URLPattern]:
        detect = path("detect/", self.admin_site.admin_view(detection.detect), name="voices_utterance_detect")
        view = self.admin_site.admin_view(detection.examined)
        examined = path("detect/<str:examination_id>/", view, name="voices_utterance_examined")
        return [detect, examined, *super().get_urls()]

    @admin.display(description=_("said"))
    def at(self, utterance: Utterance) -> str:
        return when(utterance.opened_at)

    @admin.display(description=_("voice"))
    def whose_voice(self, utterance: Utterance) -> str:
        if as_uuid(utterance.voice) is None:
            return str(_("the person's own, of that conversation"))
        return format_html('<a href="{}">{}</a>', voice_url(utterance.voice), voice_name(utterance))

    @admin.display(description=_("owner of the voice"))
    def owner_name(self, utterance: Utterance) -> str:
        return _person(utterance.owner)

    @admin.display(description=_("said for"))
    def speaker_name(self, utterance: Utterance) -> str:
        return _person(utterance.speaker)

    @admin.display(description=_("conversation"))
    def where(self, utterance: Utterance) -> str:
        if as_uuid(utterance.conversation_id) is None:
            return utterance.door
        return conversation_link(utterance.conversation_id)

    @admin.display(description=_("length"))
    def length(self, utterance: Utterance) -> str:
        return seconds(utterance.duration_ms)

    @admin.display(description=_("watermarked"), boolean=True)
    def marked(self, utterance: Utterance) -> bool | None:
        return utterance.watermarked

    @admin.display(description=_("complete"), boolean=True)
    def whole(self, utterance: Utterance) -> bool | None:
        return utterance.complete


def _person(person_id: str) -> str:
    url = f"{reverse('admin:voices_utterance_changelist')}?owner={person_id}"
    return format_html('<a href="{}">{}</a>', url, short(person_id))
