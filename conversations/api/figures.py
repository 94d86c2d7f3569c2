"""Statistics of turns."""

from datetime import timedelta

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.base import ConversationsView
from conversations.api.queries import StatisticsQuery
from conversations.api.serializers import StatisticsOut
from conversations.reading.statistics import statistics
from conversations.services.access import require

LONGEST = timedelta(days=366)
USUAL = timedelta(days=30)


class Figures(ConversationsView):
    throttle = "heavy"

    @extend_schema(
        operation_id="statistics",
        tags=["statistics"],
        summary="How long people waited, how much was said, what failed",
        description="Over all the time asked for and day by day (the server's), of your own conversations.",
        parameters=[StatisticsQuery],
        responses=StatisticsOut,
    )
    def get(self, request: Request) -> Response:
        asked = self.query(StatisticsQuery)
        until = asked.get("until") or timezone.now()
        since = asked.get("since") or until - USUAL
        if not since < until <= since + LONGEST:
            raise ValidationError({"since": "Before `until`, by at most 366 days."})
        if asked["everybody"]:
            require(self.actor, "read_statistics")
        owner_id = None if asked["everybody"] else str(self.actor.pk)
        return Response(StatisticsOut(statistics(since, until, owner_id=owner_id)).data)
