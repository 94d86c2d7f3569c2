"""The list of conversations, one of them, and its turns."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.base import ConversationsView
from conversations.api.pagination import Pages
from conversations.api.queries import ListQuery, TurnsQuery
from conversations.api.reading import turns_of
from conversations.api.serializers import Detail, Summary, TurnPage
from conversations.errors import ConversationNotFound
from conversations.models import Conversation
from conversations.reading import listing
from conversations.services.access import Actor, owned

FIRST_TURNS = 100
"""Turns that come with a conversation; the others by pages."""


def owned_and_there(actor: Actor, conversation_id: UUID) -> Conversation:
    """A conversation of the actor's own that was not erased. Raises `ConversationNotFound`."""
    conversation = owned(actor, conversation_id)
    if conversation.erased_at is not None:
        raise ConversationNotFound
    return conversation


class Conversations(ConversationsView):
    pagination_class = Pages

    @extend_schema(
        operation_id="conversations_list",
        tags=["conversations"],
        summary="Your conversations",
        description="The latest first.",
        parameters=[ListQuery],
        responses=Summary(many=True),
    )
    def get(self, request: Request) -> Response:
        asked = self.query(ListQuery, beside=("cursor", Pages.page_size_query_param))
        pages = Pages()
        page = pages.paginate_queryset(_chosen(self.actor, asked), request, self) or []
        return pages.get_paginated_response(Summary(summaries(page), many=True).data)


class OneConversation(ConversationsView):
    @extend_schema(
        operation_id="conversations_read",
        tags=["conversations"],
        summary="A conversation with its turns",
        description=f"With the first {FIRST_TURNS} turns; `next_turns` has those that follow.",
        responses=Detail,
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        conversation = owned_and_there(self.actor, conversation_id)
        turns = turns_of(conversation, after=0, limit=FIRST_TURNS)
        (summary,) = summaries([conversation])
        return Response(Detail(summary | {"turns": turns.turns, "next_turns": turns.next_turns}).data)


class Turns(ConversationsView):
    @extend_schema(
        operation_id="turns_list",
        tags=["conversations"],
        summary="Turns of a conversation",
        parameters=[TurnsQuery],
        responses=TurnPage,
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        asked = self.query(TurnsQuery)
        conversation = owned_and_there(self.actor, conversation_id)
        return Response(TurnPage(turns_of(conversation, after=asked["after"], limit=asked["limit"])).data)


def summaries(conversations: Sequence[Conversation]) -> list[dict[str, Any]]:
    """The conversations as `Summary` shows them, in their order. A fixed number of queries."""
    return [
        {
            "id": conversation.id,
            "title": row.title,
            "named": row.named,
            "preview": row.preview,
            "started_at": conversation.started_at,
            "updated_at": conversation.updated_at,
            "turn_count": conversation.turn_count,
            "talked_ms": row.talked_ms,
            "language": conversation.language,
            "voice": conversation.voice,
            "keep": conversation.keep,
            "error_count": conversation.error_count,
            "slowest_ms": conversation.slowest_ms,
            "forked_from": conversation.forked_from,
        }
        for conversation, row in zip(conversations, listing.rows(conversations), strict=True)
    ]


def _chosen(actor: Actor, asked: dict[str, Any]) -> QuerySet[Conversation]:
    filters = listing.Filters(voice=asked.get("voice", ""), language=asked.get("language", ""))
    chosen = Conversation.objects.filter(listing.visible(str(actor.pk), filters))
    if "keep" in asked:
        chosen = chosen.filter(keep=asked["keep"])
    if "errors" in asked:
        chosen = chosen.filter(error_count__gt=0) if asked["errors"] else chosen.filter(error_count=0)
    if "since" in asked:
        chosen = chosen.filter(updated_at__gte=asked["since"])
    if "until" in asked:
        chosen = chosen.filter(started_at__lt=asked["until"])
    return chosen.order_by("-updated_at", "-id")
