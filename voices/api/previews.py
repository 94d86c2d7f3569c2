"""Previews: asked for, looked at, heard."""

from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.rest import Serializer, Text, WhateverIsAccepted
from conversations.log.serving import serve
from voices import selectors, services, sounds
from voices.api.base import TAG, VoicesView, voice_path
from voices.api.serializers import PreviewOut
from voices.services.previews import TEXT_LENGTH


class PreviewIn(Serializer):
    text = Text(
        required=False, default="", allow_blank=True, max_length=TEXT_LENGTH, help_text="Empty: a standard sentence."
    )
    language = Text(required=False, default="", allow_blank=True, max_length=40, help_text="Empty: the voice's own.")
    quality = serializers.ChoiceField([("fast", "fast"), ("fine", "fine")], default="fast")


class Previews(VoicesView):
    throttle = "heavy"

    @extend_schema(
        operation_id="voices_previews", tags=TAG, summary="Your previews of a voice", responses=PreviewOut(many=True)
    )
    def get(self, request: Request, voice_id: UUID) -> Response:
        return Response(PreviewOut(selectors.profile(self.actor, voice_id).previews, many=True).data)

    @extend_schema(
        operation_id="voices_preview",
        tags=TAG,
        summary="Try a voice",
        description="It is made in the background: ask for it at `Location` until its state is done or failed.",
        request=PreviewIn,
        responses={202: PreviewOut},
    )
    def post(self, request: Request, voice_id: UUID) -> Response:
        made = services.request_preview(voice_id, actor=self.actor, **self.body(PreviewIn))
        location = f"{voice_path(voice_id)}preview/{made.id}/"
        return Response(PreviewOut(made).data, status=202, headers={"Location": location})


class OnePreview(VoicesView):
    @extend_schema(operation_id="voices_preview_read", tags=TAG, summary="A preview", responses=PreviewOut)
    def get(self, request: Request, voice_id: UUID, preview_id: str) -> Response:
        return Response(PreviewOut(selectors.preview(self.actor, preview_id)).data)


class PreviewSound(VoicesView):
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(
        operation_id="voices_preview_sound",
        tags=TAG,
        summary="The sound of a preview",
        responses={(200, sounds.OPUS): OpenApiTypes.BINARY, (206, sounds.OPUS): OpenApiTypes.BINARY, 304: None},
    )
    def get(self, request: Request, voice_id: UUID, preview_id: str) -> HttpResponseBase:
        stored = selectors.preview_audio(self.actor, preview_id)
        return serve(request._request, stored, stored.audio_id, content_type=sounds.OPUS)
