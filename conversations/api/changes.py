"""What its owner does to a conversation: naming, choosing what is kept, going on from a turn, erasing."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.rest import Serializer, Text
from conversations.api.base import ConversationsView, conversation_path
from conversations.api.conversations import OneConversation, owned_and_there, summaries
from conversations.api.serializers import Summary
from conversations.models import Conversation, Keep
from conversations.services import erasure, forks, keeping, titles

BY_OWNER = "request"
"""The reason that stands in the record."""


class Change(Serializer):
    """What is left out stays as it is."""

    title = Text(required=False, allow_blank=True, max_length=titles.LONGEST, help_text="Empty: its first words again.")
    keep = serializers.ChoiceField(
        Keep.choices, required=False, help_text="What is kept of the turns that begin from now on."
    )


class Fork(Serializer):
    at_turn = Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=120,
        help_text="The last `turn_id` that is taken over; empty: all turns.",
    )


class ChangeableConversation(OneConversation):
    @extend_schema(
        operation_id="conversations_change",
        tags=["conversations"],
        summary="Rename a conversation, or choose what is kept of it",
        request=Change,
        responses=Summary,
        examples=[OpenApiExample("A title", value={"title": "The garden"}, request_only=True)],
    )
    def patch(self, request: Request, conversation_id: UUID) -> Response:
        change = self.body(Change)
        conversation = owned_and_there(self.actor, conversation_id)
        if "title" in change:
            titles.rename(conversation.id, change["title"], actor=self.actor)
        if "keep" in change:
            keeping.choose(conversation.id, change["keep"], actor=self.actor)
        return Response(_summary(conversation_id))

    @extend_schema(
        operation_id="conversations_erase",
        tags=["conversations"],
        summary="Erase a conversation, for good",
        description="Words and sound are gone, nothing brings them back; the record keeps that there was something.",
        responses={204: None},
    )
    def delete(self, request: Request, conversation_id: UUID) -> Response:
        conversation = owned_and_there(self.actor, conversation_id)
        erasure.erase_conversation(conversation.id, actor=self.actor, reason=BY_OWNER)
        return Response(status=204)


class Forks(ConversationsView):
    @extend_schema(
        operation_id="conversations_fork",
        tags=["conversations"],
        summary="Go on from a turn, in a new conversation",
        description="A copy with keys of its own: erasing the one leaves the other.",
        request=Fork,
        responses={201: Summary},
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        asked = self.body(Fork)
        conversation = owned_and_there(self.actor, conversation_id)
        new_id = forks.fork(conversation.id, actor=self.actor, at_turn=asked["at_turn"])
        return Response(_summary(new_id), status=201, headers={"Location": conversation_path(new_id)})


def _summary(conversation_id: UUID | str) -> Any:
    return Summary(summaries([Conversation.objects.get(id=conversation_id)])[0]).data
