"""The feed of events, page by page. As a stream it is served beside Django: `conversations.feed.stream`."""

import msgspec
import structlog
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.base import ConversationsView
from conversations.api.queries import EventsQuery
from conversations.api.serializers import EventPage
from conversations.feed.page import read_page, view_of

_EXAMPLE = {
    "events": [
        {
            "position": 412,
            "event_id": "0198a0c4-7d0c-7c2e-9d0f-0b6f2c9f3f11",
            "stream": "conversation-0198a0c4-7a11-7000-8000-000000000001",
            "sequence": 7,
            "conversation_id": "0198a0c4-7a11-7000-8000-000000000001",
            "type": "user.transcribed",
            "version": 1,
            "recorded_at": "2026-11-23T08:05:43.895891Z",
            "turn_id": "turn_e2aed785c8734f96ba54",
            "session_id": "sess_f7faf6242ed6c145eea4",
            "actor": "6f1c1a52-7c2b-4d0e-8a55-0d7a1f7c6a10",
            "causation": "",
            "words": "included",
            "payload": {"item_id": "item_1", "text": "Good morning!", "language": "en", "confidence": 0.9, "model": ""},
        }
    ],
    "next_after": 412,
    "more": False,
    "latest": 430,
}


log = structlog.get_logger(__name__)


class Events(ConversationsView):
    read_scope = "events:read"

    @extend_schema(
        operation_id="events_list",
        tags=["events"],
        summary="Follow the events",
        description=(
            "What happened in your conversations after a position, in order. Positions have no gap over all of the "
            "log, so whoever goes on with `next_after` misses nothing and gets nothing twice; some are yours.\n\n"
            "With `Accept: text/event-stream` the same events come as server-sent events as they happen: the `id` is "
            "the position, `data` is an event as in the page; the header `Last-Event-ID` goes before `after`."
        ),
        parameters=[EventsQuery],
        responses={
            (200, "application/json"): OpenApiResponse(EventPage, examples=[OpenApiExample("A page", value=_EXAMPLE)]),
        },
    )
    def get(self, request: Request) -> Response:
        asked = self.query(EventsQuery)
        view = view_of(self.actor, everything=asked["everybody"])
        if view.everything:
            log.info("feed_of_everybody_read", person=view.person_id, words=view.words_of_others)
        return Response(msgspec.to_builtins(read_page(view, asked["after"], asked["limit"])))
