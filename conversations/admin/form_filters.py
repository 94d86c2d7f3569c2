"""Filters that are filled in rather than clicked: a span of days, a span of positions, one of many types."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib.admin import ListFilter, ModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.texts import Text
from conversations.admin.filters import Rows

_PERIODS: dict[str, tuple[Text, timedelta]] = {
    "hour": (_("Last hour"), timedelta(hours=1)),
    "day": (_("Last 24 hours"), timedelta(days=1)),
    "week": (_("Last 7 days"), timedelta(days=7)),
    "month": (_("Last 30 days"), timedelta(days=30)),
}


class FormFilter(ListFilter):
    """``names`` are its parameters; ``others`` are all others of the page, which its form carries along."""

    names: ClassVar[tuple[str, ...]]

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: "ModelAdmin[Any]"
    ) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.names:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        carried = ((name, value) for name in request.GET for value in request.GET.getlist(name))
        self.others = [(name, value) for name, value in carried if name not in {*self.names, "p"}]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def given(self, name: str) -> str:
        return str(self.used_parameters.get(name, ""))

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        yield from self._links(changelist, {})

    def _links(self, changelist: ChangeList, links: Mapping[str, Text]) -> Iterator[dict[str, Any]]:
        """A link that clears the filter, and one for each value of the first parameter."""
        first, *rest = self.names
        yield {
            "selected": not self.used_parameters,
            "query_string": changelist.get_query_string(remove=list(self.names)),
            "display": _("All"),
        }
        for value, label in links.items():
            yield {
                "selected": self.given(first) == value,
                "query_string": changelist.get_query_string({first: value}, rest),
                "display": label,
            }


class PeriodFilter(FormFilter):
    """A period that ends now (``period``), or days from and to (``since``, ``until``; both may be left out)."""

    field: ClassVar[str]
    names = ("period", "since", "until")
    title = _("time")
    template = "admin/conversations/period_filter.html"

    @property
    def since(self) -> str:
        return self.given("since")

    @property
    def until(self) -> str:
        return self.given("until")

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if chosen := _PERIODS.get(self.given("period")):
            queryset = queryset.filter(**{f"{self.field}__gte": timezone.now() - chosen[1]})
        if (first := _midnight(self.since)) is not None:
            queryset = queryset.filter(**{f"{self.field}__gte": first})
        if (last := _midnight(self.until)) is not None:
            queryset = queryset.filter(**{f"{self.field}__lt": last + timedelta(days=1)})
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        yield from self._links(changelist, {name: label for name, (label, _length) in _PERIODS.items()})


def period_filter(field_: str) -> type[PeriodFilter]:
    class Period(PeriodFilter):
        field = field_

    return Period


class PositionFilter(FormFilter):
    """Positions of the log from and to, both included."""

    names = ("first", "last")
    title = _("position")
    template = "admin/conversations/position_filter.html"

    @property
    def first(self) -> str:
        return self.given("first")

    @property
    def last(self) -> str:
        return self.given("last")

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if (first := _whole(self.first)) is not None:
            queryset = queryset.filter(position__gte=first)
        if (last := _whole(self.last)) is not None:
            queryset = queryset.filter(position__lte=last)
        return queryset


def select_filter(name: str, title_: Text, values: tuple[str, ...]) -> type[FormFilter]:
    """A filter by one of many values, chosen from a list that opens."""

    class Selected(FormFilter):
        names = (name,)
        title = title_  # type: ignore[assignment]
        template = "admin/conversations/select_filter.html"
        options = values
        parameter = name

        @property
        def chosen(self) -> str:
            return self.given(name)

        def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
            return queryset.filter(**{name: self.chosen}) if self.chosen else queryset

    return Selected


def _midnight(day: str) -> datetime | None:
    try:
        return timezone.make_aware(datetime.combine(date.fromisoformat(day), time()))
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None
