"""Voices: those that wait for a decision, and all others; a page for each."""

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from avatar_project.voices_admin import voice_page, voice_urls
from conversations.admin.filters import as_uuid, choice_filter, identity_filter, name_of_person, value_filter
from conversations.admin.form_filters import period_filter
from conversations.admin.links import person_link
from conversations.admin.readonly import ReadOnlyAdmin, short, when
from voices.models import State, Voice


@admin.register(Voice)
class VoiceAdmin(ReadOnlyAdmin[Voice]):
    """Those of people; what engines bring along needs nobody's approval."""

    ordering = ("-sharing_asked_at", "-updated_at", "-id")
    list_select_related = ("owner", "named")
    list_display = ("name", "person", "language", "shown_state", "asked", "consent", "rating", "updated")
    list_filter = (
        choice_filter(
            "state",
            _("state"),
            {
                str(State.WAITING): (State.WAITING.label, Q(state=State.WAITING)),
                str(State.APPROVED): (State.APPROVED.label, Q(state=State.APPROVED)),
                "own": (_("its owner's alone"), Q(state__in=(State.DRAFT, State.USABLE, State.REJECTED))),
                str(State.REVOKED): (State.REVOKED.label, Q(state=State.REVOKED)),
                str(State.DELETED): (State.DELETED.label, Q(state=State.DELETED)),
            },
        ),
        period_filter("updated_at"),
        value_filter("language", _("language")),
        identity_filter("person", _("person"), "owner", name_of_person),
    )
    fields = (("person", "shown_state", "language"), ("asked", "consent", "rating"), ("made", "updated"))
    readonly_fields = ("person", "shown_state", "asked", "consent", "rating", "made", "updated")
    change_form_template = "admin/voices/voice.html"
    search_help_text = _("A voice's or person's id, or the beginning of a voice's or person's name.")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Voice]":
        return super().get_queryset(request).filter(owner__isnull=False)

    def search(self, found: "QuerySet[Voice]", term: str) -> "QuerySet[Voice]":
        if (identifier := as_uuid(term)) is not None:
            return found.filter(Q(id=identifier) | Q(owner=identifier))
        return found.filter(Q(named__name__istartswith=term) | Q(owner__username__istartswith=term))

    def get_urls(self) -> list[URLPattern]:
        return [*voice_urls.urls(self), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        voice = self.get_object(request, unquote(object_id))
        if voice is not None and self.has_view_permission(request, voice):
            extra_context = (extra_context or {}) | {"page": voice_page.build(request, voice), "title": _name(voice)}
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description=_("name"))
    def name(self, voice: Voice) -> str:
        return _name(voice)

    @admin.display(description=_("person"))
    def person(self, voice: Voice) -> str:
        return person_link(voice.owner.pk, voice.owner.get_username()) if voice.owner is not None else ""

    @admin.display(description=_("state"))
    def shown_state(self, voice: Voice) -> str:
        return str(State(voice.state).label)

    @admin.display(description=_("waits since"))
    def asked(self, voice: Voice) -> str:
        return when(voice.sharing_asked_at) if voice.state == State.WAITING else ""

    @admin.display(description=_("consent until"))
    def consent(self, voice: Voice) -> str:
        return when(voice.consent_until)

    @admin.display(description=_("rating"))
    def rating(self, voice: Voice) -> str:
        return f"{voice.rating_sum / voice.rating_count:.1f} ({voice.rating_count})" if voice.rating_count else ""

    @admin.display(description=_("made"))
    def made(self, voice: Voice) -> str:
        return when(voice.created_at)

    @admin.display(description=_("updated"))
    def updated(self, voice: Voice) -> str:
        return when(voice.updated_at)


def _name(voice: Voice) -> str:
    """What its owner calls it; a deleted voice has no name any more."""
    named = getattr(voice, "named", None)
    return named.name if named is not None else short(voice.id)
