"""Admin pages of things that only the log changes: they can be looked at, and nothing can be added or edited."""

from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html

from conversations.admin.form_filters import FormFilter

M = TypeVar("M", bound=Model)

COUNTED = 10_000
"""Rows that are counted and can be paged through; a filter brings the others near."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # generic in the stubs only
    """Counts no further than `COUNTED`, so that the count of a table of millions costs no more than a page."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED].count())


class _ChangeList(ChangeList):
    """Says "View" where Django would say "Select … to view": there is nothing to select it for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = str(self.opts.verbose_name_plural).capitalize()

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        if isinstance(self.model_admin, ReadOnlyAdmin):
            self.model_admin.shown(request, self.result_list)


class ReadOnlyAdmin(admin.ModelAdmin, Generic[M]):  # type: ignore[type-arg]
    """Looking takes the permission ``view_…`` of the model; everything else goes through services."""

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    search_fields = ("pk",)
    """Only that there is a search field; `search` says what it finds."""
    sortable_by = ()
    empty_value_display = ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _ChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the filters offer: no condition on a column that is not shown."""
        return lookup in {name for spec in self.list_filter for name in _parameters(spec)}

    def shown(self, request: HttpRequest, rows: list[M]) -> None:
        """A page's rows, before its columns are asked for each: for what is looked up for all of them at once."""

    def search(self, found: "QuerySet[M]", term: str) -> "QuerySet[M]":
        """What the search field finds among ``found``."""
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[M]", search_term: str
    ) -> "tuple[QuerySet[M], bool]":
        term = search_term.strip()
        return (self.search(queryset, term) if term else queryset), False


def _parameters(spec: object) -> tuple[str, ...]:
    """What a filter takes from the address."""
    if isinstance(spec, type) and issubclass(spec, FormFilter):
        return spec.names
    return (str(getattr(spec, "parameter_name", "")),)


def moment(at: datetime | None) -> str:
    """A point in time, to the second, in the server's time zone."""
    return date_format(timezone.localtime(at), "Y-m-d H:i:s") if at is not None else ""


def when(at: datetime | None) -> str:
    """`moment` in a list: a day is not broken in two."""
    day, _, time_of_day = moment(at).partition(" ")
    return format_html('<span class="day">{}</span> {}', day, time_of_day) if day else ""


def seconds(ms: float | None) -> str:
    """A duration of milliseconds as people read it."""
    return f"{ms / 1000:.2f} s" if ms is not None else ""


def short(identifier: object) -> str:
    """The end of an id, enough to tell ids apart by eye: those of one time begin alike."""
    return f"…{str(identifier)[-8:]}"
