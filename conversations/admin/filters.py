"""The filters of the list pages: each one parameter, none costs a query per choice."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.texts import Text

Rows = QuerySet[Any]
Condition = Q | Callable[[], Q]
"""A function where the condition depends on the time of asking."""
Named = Callable[[HttpRequest, Sequence[str]], Mapping[str, str]]
MOST_VALUES = 40


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


class ChoiceFilter(SimpleListFilter):
    """One parameter whose values each stand for a condition."""

    conditions: ClassVar["dict[str, tuple[Text, Condition]]"] = {}

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Iterable[tuple[str, Any]]:
        return [(value, label) for value, (label, _condition) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        chosen = self.conditions.get(self.value() or "")
        if chosen is None:
            return queryset
        condition = chosen[1]
        return queryset.filter(condition if isinstance(condition, Q) else condition())


def choice_filter(name: str, title_: Text, conditions_: "dict[str, tuple[Text, Condition]]") -> type[ChoiceFilter]:
    """A filter by named conditions."""

    class Chosen(ChoiceFilter):
        title = title_  # type: ignore[assignment]
        parameter_name = name
        conditions = conditions_

    return Chosen


def value_filter(
    field: str, title_: Text, name: str = "", named: Named = lambda _request, values: dict.fromkeys(values, "")
) -> type[SimpleListFilter]:
    """A filter by the values that a column has: one query, the first `MOST_VALUES` in order.

    ``name`` is its parameter where the column is another table's; ``named`` says what to call values.
    """

    class Valued(SimpleListFilter):
        title = title_  # type: ignore[assignment]
        parameter_name = name or field

        def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Iterable[tuple[str, str]]:
            values = model_admin.model._default_manager.exclude(**{field: ""}).order_by(field)
            found = list(values.values_list(field, flat=True).distinct()[:MOST_VALUES])
            called = named(request, found)
            return [(value, called[value] or value) for value in found]

        def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    return Valued


def latency_filter(field: str) -> type[ChoiceFilter]:
    """A filter by the bands that people feel: at once, in a conversation's rhythm, slow, too slow."""
    return choice_filter(
        "latency",
        _("time to the first sound"),
        {
            "quick": (_("up to 0.5 s"), Q(**{f"{field}__lte": 500})),
            "good": (_("0.5 to 1.5 s"), Q(**{f"{field}__gt": 500, f"{field}__lte": 1500})),
            "slow": (_("1.5 to 3.5 s"), Q(**{f"{field}__gt": 1500, f"{field}__lte": 3500})),
            "stuck": (_("over 3.5 s"), Q(**{f"{field}__gt": 3500})),
        },
    )


def identity_filter(
    name: str,
    title_: Text,
    field: str,
    label: Callable[[str], str],
    parse: Callable[[str], object | None] = as_uuid,
) -> type[SimpleListFilter]:
    """A filter that links set: one person or one conversation. It shows itself only while it is in use."""

    class Identity(SimpleListFilter):
        title = title_  # type: ignore[assignment]
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Iterable[tuple[str, str]]:
            return [(chosen, label(chosen))] if (chosen := self.value()) else []

        def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
            if not (chosen := self.value()):
                return queryset
            found = parse(chosen)
            return queryset.filter(**{field: found}) if found is not None else queryset.none()

    return Identity


def name_of_person(person_id: str) -> str:
    """A person's name for a filter; their id when there is no such person."""
    found = as_uuid(person_id)
    person = get_user_model()._default_manager.filter(pk=found).first() if found is not None else None
    return person.get_username() if person is not None else person_id
