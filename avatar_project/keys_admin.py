"""Everybody's keys in the admin: seen by those who may view them, revoked by those who may change them."""

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from avatar_project import api_keys
from avatar_project.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Nobody makes a key for somebody else, and none is deleted: it tells when it was used last."""

    list_display = ("name", "prefix", "owner", "may", "shown_state", "last_used_at", "expires_at", "created_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("owner",)
    search_fields = ("prefix", "name", "owner__username")
    fields = readonly_fields = (
        *("name", "prefix", "owner", "may", "shown_state"),
        *("created_at", "last_used_at", "expires_at", "revoked_at"),
    )
    list_per_page = 50
    show_full_result_count = False
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the filter offers: no condition on what is not shown."""
        return lookup == "revoked_at__isempty"

    @admin.action(description=_("Revoke the keys chosen"), permissions=("change",))
    def revoke(self, request: HttpRequest, keys: "QuerySet[ApiKey]") -> HttpResponse | None:
        """Asks first."""
        if request.POST.get("confirmed") != "yes":
            context = self.admin_site.each_context(request) | {
                "title": _("Revoke the keys chosen"),
                "keys": keys,
                "opts": self.opts,
                "chosen_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/people/revoke_keys.html", context)
        for key in keys:
            api_keys.revoke(key)
        self.message_user(request, _("The keys are revoked: programs that use them are refused from now on."))
        return None

    @admin.display(description=_("may"))
    def may(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description=_("state"))
    def shown_state(self, key: ApiKey) -> str:
        return str({"active": _("valid"), "expired": _("expired"), "revoked": _("revoked")}[key.state])
