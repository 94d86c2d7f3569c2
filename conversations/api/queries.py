"""The parameters of requests, checked."""

from datetime import date
from typing import Any

from rest_framework import serializers

from common.rest import Serializer
from conversations.models import Keep

YEARS = (1970, 9000)
"""Within these every day has a midnight in every time zone."""


def in_years(day: date) -> None:
    """Refuses what no calendar here can reckon with."""
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise serializers.ValidationError(f"Between the years {YEARS[0]} and {YEARS[1]}.")


_DAY: dict[str, Any] = {"required": False, "validators": [in_years]}


class ListQuery(Serializer):
    """Which conversations; all conditions must hold."""

    voice = serializers.CharField(required=False, max_length=120)
    language = serializers.CharField(required=False, max_length=40, help_text="As a tag, such as `en` or `zh-TW`.")
    keep = serializers.ChoiceField(Keep.choices, required=False)
    errors = serializers.BooleanField(  # type: ignore[assignment]  # a field, not the property
        required=False, help_text="With turns that failed, or without any."
    )
    since = serializers.DateTimeField(**_DAY, help_text="Something was said at or after this moment.")
    until = serializers.DateTimeField(**_DAY, help_text="Begun before this moment.")


class SearchQuery(Serializer):
    q = serializers.CharField(max_length=200, help_text="Words, or a phrase in quotation marks.")
    voice = serializers.CharField(required=False, max_length=120)
    language = serializers.CharField(required=False, max_length=40)
    since = serializers.DateField(**_DAY, help_text="The first day.")
    until = serializers.DateField(**_DAY, help_text="The last day.")
    before = serializers.IntegerField(
        default=0, min_value=0, max_value=2**53, help_text="`next_before` of the page before."
    )


class TurnsQuery(Serializer):
    after = serializers.IntegerField(default=0, min_value=0, max_value=2**31 - 1, help_text="Number of a turn.")
    limit = serializers.IntegerField(default=100, min_value=1, max_value=500)


class StatisticsQuery(Serializer):
    """At most 366 days."""

    since = serializers.DateTimeField(**_DAY, help_text="30 days before `until` when left out.")
    until = serializers.DateTimeField(**_DAY, help_text="Now when left out.")
    everybody = serializers.BooleanField(default=False, help_text="Needs the permission `read_statistics`.")


class EventsQuery(Serializer):
    after = serializers.IntegerField(
        default=0, min_value=0, max_value=2**53, help_text="A position; 0 is the beginning."
    )
    limit = serializers.IntegerField(default=100, min_value=1, max_value=500)
    everybody = serializers.BooleanField(
        default=False, help_text="Everybody's events, not only your own: needs the permission `read_feed`."
    )


class SoundQuery(Serializer):
    heard = serializers.BooleanField(default=False, help_text="Of an answer: only as much of it as was heard.")
