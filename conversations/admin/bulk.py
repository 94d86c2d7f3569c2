"""Bulk actions of the list pages, made from deeds: the selected are listed, a reason is asked, then each is done."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from conversations.admin.confirm import Target, confirm
from conversations.admin.deed import Deed

MOST_AT_ONCE = 200
"""A request that takes more would outlive the patience of browsers and proxies."""

Action = Callable[[Any, HttpRequest, "QuerySet[Any]"], HttpResponse | None]
TargetOf = Callable[[Any], Target]


def actions(request: HttpRequest, deeds: Sequence[Deed], target_of: TargetOf) -> dict[str, tuple[Action, str, str]]:
    """What `ModelAdmin.get_actions` returns: the deeds that this person may do."""
    return {
        deed.name: (_action(deed, target_of), deed.name, str(deed.label)) for deed in deeds if deed.allowed(request)
    }


def _action(deed: Deed, target_of: TargetOf) -> Action:
    def action(model_admin: Any, request: HttpRequest, queryset: "QuerySet[Model]") -> HttpResponse | None:
        rows = list(queryset.order_by()[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            said = gettext("At most %(most)s at once: select fewer, and repeat.")
            messages.error(request, said % {"most": MOST_AT_ONCE})
            return None
        hidden = [("action", deed.name), ("select_across", "0")]
        hidden += [(ACTION_CHECKBOX_NAME, str(row.pk)) for row in rows]
        return confirm(request, deed, [target_of(row) for row in rows], back=request.get_full_path(), hidden=hidden)

    return action
