"""A conversation to take along, in the form asked for."""

from uuid import UUID

from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from common.rest import WhateverIsAccepted
from conversations.api.base import ConversationsView
from conversations.api.conversations import owned_and_there
from conversations.history_pages.downloads import FORMS, downloaded, name_of


class Export(ConversationsView):
    content_negotiation_class = WhateverIsAccepted
    throttle = "heavy"

    @extend_schema(
        operation_id="conversations_export",
        tags=["conversations"],
        summary="A conversation to take along",
        description="The facts as JSON, what was said and heard as text or as captions, or the whole as one sound.",
        parameters=[OpenApiParameter("form", str, OpenApiParameter.PATH, enum=tuple(FORMS))],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "text/plain"): OpenApiTypes.STR,
            (200, "text/vtt"): OpenApiTypes.STR,
            (200, "audio/ogg"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, conversation_id: UUID, form: str) -> HttpResponseBase:
        if form not in FORMS:
            raise Http404
        conversation = owned_and_there(self.actor, conversation_id)
        return downloaded(conversation, form, name_of(conversation))
