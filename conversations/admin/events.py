"""The log itself: every event with its place and its hash; its words only for those who may read them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from common.pages import actor_of
from conversations.admin import opened
from conversations.admin.filters import as_uuid, identity_filter
from conversations.admin.form_filters import PositionFilter, period_filter, select_filter
from conversations.admin.labels import inspect_reasons
from conversations.admin.links import conversation_link, conversation_url
from conversations.admin.readonly import ReadOnlyAdmin, short, when
from conversations.errors import NotAllowed, Refused
from conversations.events import FACTS
from conversations.log.codec import SEALED, decode, decode_metadata
from conversations.log.keys import KeyRing
from conversations.log.models import Event
from conversations.log.types import Metadata
from conversations.models import Verification
from conversations.proof import verifying
from conversations.streams import CATEGORY, conversation_of, stream_of

_HASH_SHOWN = 12


@dataclass(frozen=True, slots=True)
class EventPage:
    """What an event's page shows. ``opened`` is the payload in clear, None while it is sealed or gone."""

    metadata: Metadata
    stored: str
    sealed: bool
    opened: str | None
    redacted: bool
    conversation_url: str
    may_read: bool
    inspect_reasons: Sequence[tuple[str, str]]
    inspect_reason: str


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin[Event]):
    ordering = ("-position",)
    list_display = ("position", "recorded", "type", "where", "sequence", "actor", "link_of_chain")
    list_filter = (
        select_filter("type", _("type"), tuple(sorted(FACTS))),
        PositionFilter,
        period_filter("recorded_at"),
        identity_filter("stream", _("stream"), "stream", label=str, parse=str),
    )
    fields = ("position", "event_id", "stream", "sequence", "type", "version", "recorded", "prev_hash", "hash")
    readonly_fields = ("recorded",)
    search_help_text = _("A conversation's or an event's id, a position, or the name of a stream.")
    change_form_template = "admin/conversations/event.html"
    change_list_template = "admin/conversations/events.html"

    def search(self, found: "QuerySet[Event]", term: str) -> "QuerySet[Event]":
        if term.isdecimal() and len(term) < 19:
            return found.filter(position=int(term))
        if (identifier := as_uuid(term)) is not None:
            return found.filter(stream=stream_of(str(identifier))) | found.filter(event_id=identifier)
        return found.filter(stream=term)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        event = self.get_object(request, unquote(object_id))
        page = None
        if event is not None and self.has_view_permission(request, event):
            page = _page(request, event)
        return super().change_view(request, object_id, form_url, {"page": page})

    def get_urls(self) -> list[URLPattern]:
        read = path("<int:position>/read/", self.admin_site.admin_view(self.read), name="log_event_read")
        verify = path("verify/", self.admin_site.admin_view(require_POST(self.verify)), name="log_event_verify")
        return [read, verify, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        verdict = Verification.objects.filter(stream="").order_by("-at").first()
        may_verify = request.user.has_perm("conversations.verify_record")
        return super().changelist_view(request, {"verdict": verdict, "may_verify": may_verify})

    def verify(self, request: HttpRequest) -> HttpResponse:
        """Has the whole log verified, in the background."""
        try:
            verifying.verify_all_in_background(actor=actor_of(request))
        except NotAllowed as refusal:
            raise PermissionDenied from refusal
        messages.success(request, gettext("The whole chain is being verified: look here again in a while."))
        return HttpResponseRedirect(reverse("admin:log_event_changelist"))

    def read(self, request: HttpRequest, position: int) -> HttpResponse:
        """Opens the words of one event, for the record first."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        event = get_object_or_404(Event, position=position)
        if not self.has_view_permission(request, event) or not event.stream.startswith(f"{CATEGORY}-"):
            raise PermissionDenied
        try:
            opened.open_event(request, actor_of(request), event, request.POST.get("reason", ""))
        except NotAllowed as refusal:
            raise PermissionDenied from refusal
        except Refused as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:log_event_change", args=[position]))

    @admin.display(description=_("recorded"))
    def recorded(self, event: Event) -> str:
        return when(event.recorded_at)

    @admin.display(description=_("stream"))
    def where(self, event: Event) -> str:
        category, _hyphen, name = event.stream.partition("-")
        return conversation_link(name) if category == CATEGORY else event.stream

    @admin.display(description=_("actor"))
    def actor(self, event: Event) -> str:
        actor = decode_metadata(event).actor
        return short(actor) if actor else ""

    @admin.display(description=_("hash"))
    def link_of_chain(self, event: Event) -> str:
        return format_html("<code>{}</code>", event.hash[:_HASH_SHOWN])


def _page(request: HttpRequest, event: Event) -> EventPage:
    payload = json.loads(event.payload)
    sealed = SEALED in payload
    in_conversation = event.stream.startswith(f"{CATEGORY}-")
    conversation_id = conversation_of(event.stream) if in_conversation else ""
    may_read = in_conversation and sealed and request.user.has_perm("conversations.read_words")
    words, redacted = _words(event) if may_read and opened.event_is_open(request, event.position) else (None, False)
    return EventPage(
        metadata=decode_metadata(event),
        stored=_pretty(payload),
        sealed=sealed,
        opened=words,
        redacted=redacted,
        conversation_url=conversation_url(conversation_id) if conversation_id else "",
        may_read=may_read,
        inspect_reasons=inspect_reasons(),
        inspect_reason=opened.last_reason(request),
    )


def _words(event: Event) -> tuple[str | None, bool]:
    """The payload in clear, and whether its words were erased."""
    recorded = decode(event, KeyRing.load(event.stream, [decode_metadata(event).correlation]))
    return (None, True) if recorded.redacted else (_pretty(recorded.payload), False)


def _pretty(payload: object) -> str:
    return json.dumps(payload, ensure_ascii=False, indent=2, sort_keys=True)
