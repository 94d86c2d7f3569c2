"""Rows under the days they belong to: each of the last days by itself, older ones by the month."""

import itertools
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

import msgspec
from django.utils import timezone

from conversations.reading.listing import Row

_DAYS = 7
Kind = Literal["today", "yesterday", "weekday", "month"]


class Group(msgspec.Struct, frozen=True):
    """``day``: the day, or the first of the month."""

    kind: Kind
    day: date
    rows: tuple[Row, ...]


def by_day(rows: Iterable[Row]) -> tuple[Group, ...]:
    """Groups of rows that are in the order of `Row.updated_at`."""
    today = timezone.localdate()

    def place(row: Row) -> tuple[Kind, date]:
        day = timezone.localdate(row.updated_at)
        if day >= today:
            return "today", today
        if day == today - timedelta(days=1):
            return "yesterday", day
        if day > today - timedelta(days=_DAYS):
            return "weekday", day
        return "month", day.replace(day=1)

    return tuple(Group(kind, day, tuple(found)) for (kind, day), found in itertools.groupby(rows, place))
