"""People in the admin: administrators add them and give them roles; moderators see them, block and erase them."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, IntegerField, Model, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from avatar_project.keys_admin import ApiKeyAdmin as ApiKeyAdmin  # noqa: PLC0414  (found here by the admin)
from avatar_project.models import User
from avatar_project.voices_admin import utterances, voices  # noqa: F401 - they register
from conversations.admin import bulk, trails
from conversations.admin.confirm import Target, confirm
from conversations.admin.deed import Subject
from conversations.admin.links import Button, person_button, person_url
from conversations.admin.people_deeds import BLOCK, BY_NAME, ERASE_PERSON, UNBLOCK
from conversations.admin.readonly import BoundedPaginator, moment
from conversations.admin.trails import TrailRow
from conversations.models import Conversation
from conversations.people_events import person_stream

admin.site.site_header = "AVATAR"
admin.site.site_title = "AVATAR"
admin.site.index_title = _("Administration")
admin.site.site_url = "/chat"
admin.site.enable_nav_sidebar = False  # its width belongs to the lists


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Nobody is deleted here: what a person said goes with them, and that is erasure. Blocking is a service too."""

    list_display = ("username", "is_guest", "is_staff", "may_come_in", "talks", "flags", "joined", "seen")
    list_filter = ("is_guest", "is_staff", "is_active", "groups")
    search_fields = ("username", "id")
    parameters = frozenset({f"{name}__exact" for name in ("is_guest", "is_staff", "is_active", "groups__id")})
    """What the filters take from the address."""
    ordering = ("username",)
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    readonly_fields = (
        *("name", "guest", "staff", "may_come_in", "talks", "flags", "joined", "seen"),
        *("is_active", "is_guest", "last_login", "date_joined"),
    )
    change_form_template = "admin/people/change_form.html"

    def get_actions(self, request: HttpRequest) -> Any:
        return bulk.actions(request, (BLOCK,), _target)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[User]":
        people: QuerySet[User] = super().get_queryset(request)
        return people.annotate(conversation_count=_of_owner(Count("pk")), flag_count=_of_owner(Sum("open_flags")))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Who may only look sees no address and no trace of a password."""
        if obj is not None and not self.has_change_permission(request, obj):
            seen = ("name", "guest", "staff", "may_come_in", "talks", "flags", "joined", "seen")
            return ((None, {"fields": seen}),)
        return super().get_fieldsets(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the filters offer: an address is not found out letter by letter."""
        return lookup in self.parameters

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        deed = path("<uuid:person_id>/do/<slug:name>/", self.admin_site.admin_view(self.do), name=name)
        return [deed, *super().get_urls()]

    def do(self, request: HttpRequest, person_id: UUID, name: str) -> HttpResponse:
        """Blocks, unblocks or erases: asks first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        person = get_object_or_404(User, pk=person_id)
        deed = BY_NAME.get(name)
        if deed is None:
            raise Http404
        return confirm(request, deed, [_target(person)], back=person_url(person.pk))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        person = self.get_object(request, object_id)
        buttons: list[Button] = []
        trail: tuple[TrailRow, ...] = ()
        if person is not None and self.has_view_permission(request, person):
            offered = (BLOCK if person.is_active else UNBLOCK, ERASE_PERSON)
            buttons = [person_button(person.pk, deed) for deed in offered if deed.allowed(request)]
            acts = trails.entries(request, person_stream(person.pk))
            trail = trails.rows(acts, trails.names_of(act.actor for act in acts))
        context = (extra_context or {}) | {"buttons": buttons, "trail": trail}
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description=_("name"))
    def name(self, person: User) -> str:
        return person.username

    @admin.display(description=_("guest"), boolean=True)
    def guest(self, person: User) -> bool:
        return person.is_guest

    @admin.display(description=_("staff"), boolean=True)
    def staff(self, person: User) -> bool:
        return person.is_staff

    @admin.display(description=_("may come in"), boolean=True, ordering="is_active")
    def may_come_in(self, person: User) -> bool:
        return person.is_active

    @admin.display(description=_("conversations"))
    def talks(self, person: User) -> str:
        count = getattr(person, "conversation_count", 0)
        url = f"{reverse('admin:conversations_conversation_changelist')}?person={person.pk}"
        return format_html('<a href="{}">{}</a>', url, count) if count else ""

    @admin.display(description=_("open flags"))
    def flags(self, person: User) -> str:
        count = getattr(person, "flag_count", 0)
        url = f"{reverse('admin:conversations_flag_changelist')}?person={person.pk}&status=open"
        return format_html('<a href="{}">{}</a>', url, count) if count else ""

    @admin.display(description=_("joined"), ordering="date_joined")
    def joined(self, person: User) -> str:
        return moment(person.date_joined)

    @admin.display(description=_("last signed in"), ordering="last_login")
    def seen(self, person: User) -> str:
        return moment(person.last_login)


def _target(person: User) -> Target:
    return Target(Subject("", str(person.pk)), person.get_username())


def _of_owner(figure: Count | Sum) -> Coalesce:
    """A figure over a person's conversations: a query of its own per row, by the index, so none is spent on others."""
    theirs = Conversation.objects.filter(owner=OuterRef("pk")).order_by().values("owner")
    return Coalesce(Subquery(theirs.annotate(figure=figure).values("figure")), 0, output_field=IntegerField())
