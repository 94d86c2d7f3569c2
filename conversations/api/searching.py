"""Looking up what was said."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import search
from conversations.api.base import ConversationsView
from conversations.api.conversations import summaries
from conversations.api.queries import SearchQuery
from conversations.api.serializers import SearchOut
from conversations.models import Conversation


class Search(ConversationsView):
    throttle = "heavy"

    @extend_schema(
        operation_id="conversations_search",
        tags=["conversations"],
        summary="Find conversations by what was said",
        description=(
            "Those in which one turn (or the title) holds all the words, the latest first. Words are found by their "
            "stem, Chinese anywhere, what stands in quotation marks exactly."
        ),
        parameters=[SearchQuery],
        responses=SearchOut,
    )
    def get(self, request: Request) -> Response:
        asked = self.query(SearchQuery)
        filters = search.Filters(
            voice=asked.get("voice", ""),
            language=asked.get("language", ""),
            since=asked.get("since"),
            until=asked.get("until"),
        )
        found = search.find(str(self.actor.pk), asked["q"], filters, before=asked["before"])
        ids = [hit.conversation.conversation_id for hit in found.hits]
        by_id = {str(conversation.id): conversation for conversation in Conversation.objects.filter(id__in=ids)}
        shown = {str(row["id"]): row for row in summaries([by_id[pk] for pk in ids if pk in by_id])}
        hits = [
            {"conversation": shown[hit.conversation.conversation_id], "passages": hit.passages}
            for hit in found.hits
            if hit.conversation.conversation_id in shown
        ]
        return Response(SearchOut({"hits": hits, "next_before": found.older or None}).data)
