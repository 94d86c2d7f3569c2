"""The sample and the consent: sounds that come in, and go out to those who may hear them."""

from typing import Literal
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from common.parsers import Json
from common.rest import Serializer, Text, WhateverIsAccepted, Whole
from conversations.log.serving import serve
from voices import selectors, services, sounds
from voices.access import found
from voices.api.base import TAG, RecordingView, VoicesView
from voices.api.serializers import SCOPES, ChallengeOut, SampleOut, VerdictOut
from voices.errors import VoiceNotFound
from voices.reasons import ListenReason
from voices.services.consent import DAYS, LONGEST_DAYS


class Recording(Serializer):
    file = serializers.FileField(
        help_text="WAV, MP3, FLAC, M4A, Ogg or WebM of 3 to 30 s (a consent: at most 30 s) and at most 10 MB."
    )


class ReadAloud(Recording):
    challenge = serializers.CharField(max_length=32, help_text="The sentence's `id`.")


class ConsentAsked(Serializer):
    scope = serializers.ChoiceField(SCOPES, default="self")
    days = Whole(min_value=1, max_value=LONGEST_DAYS, default=DAYS, help_text="How long it is to hold.")
    language = Text(max_length=40, default="", allow_blank=True, help_text="To read in; empty: the voice's own.")


class ListenQuery(Serializer):
    reason = serializers.ChoiceField(
        ListenReason.choices, required=False, help_text="Needed to hear another's: it goes on record."
    )


_SOUND = {
    (200, sounds.FLAC): OpenApiTypes.BINARY,
    (206, sounds.FLAC): OpenApiResponse(OpenApiTypes.BINARY, description="The range asked for."),
    304: OpenApiResponse(description="What the client has is still it."),
}


class SampleSound(RecordingView):
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(
        operation_id="voices_sample_sound",
        tags=TAG,
        summary="The sample as it is spoken from",
        description="FLAC, trimmed and levelled. Another's takes the permission to listen, and a reason.",
        parameters=[ListenQuery, OpenApiParameter("Range", str, OpenApiParameter.HEADER, required=False)],
        responses=_SOUND,
    )
    def get(self, request: Request, voice_id: UUID) -> HttpResponseBase:
        noted(self, request, voice_id)
        stored = selectors.sample_audio(self.actor, voice_id)
        return serve(request._request, stored, stored.audio_id, content_type=sounds.FLAC)

    @extend_schema(
        operation_id="voices_sample",
        tags=TAG,
        summary="Record a sample",
        description=(
            "Checked, trimmed, levelled and understood. 201: it is what the voice is spoken from now, and a consent "
            "that was given for another sample is over; 200: it was not good enough, and `advice` says why."
        ),
        request={"multipart/form-data": Recording},
        responses={200: SampleOut, 201: SampleOut},
    )
    def post(self, request: Request, voice_id: UUID) -> Response:
        report = services.add_sample(voice_id, self.recording(), actor=self.actor)
        return Response(SampleOut(report).data, status=201 if report.accepted else 200)


class Consent(RecordingView):
    parser_classes = (Json, MultiPartParser)

    @extend_schema(
        operation_id="voices_consent_ask",
        tags=TAG,
        summary="Ask for the sentence to read",
        description="It is to be read within two minutes, once, by the voice of the sample.",
        request=ConsentAsked,
        responses={201: ChallengeOut},
    )
    def post(self, request: Request, voice_id: UUID) -> Response:
        asked = self.body(ConsentAsked)
        return Response(ChallengeOut(services.ask_consent(voice_id, actor=self.actor, **asked)).data, status=201)

    @extend_schema(
        operation_id="voices_consent_give",
        tags=TAG,
        summary="Read the sentence",
        description="The verdict says whether it counts, with the figures; the sentence is used up either way.",
        request={"multipart/form-data": ReadAloud},
        responses=VerdictOut,
    )
    def put(self, request: Request, voice_id: UUID) -> Response:
        came_at = timezone.now()
        form = ReadAloud(data=request.data)
        recording = self.recording()
        form.is_valid(raise_exception=True)
        verdict = services.give_consent(
            voice_id, form.validated_data["challenge"], recording, actor=self.actor, received_at=came_at
        )
        return Response(VerdictOut(verdict).data)

    @extend_schema(
        operation_id="voices_consent_withdraw",
        tags=TAG,
        summary="Withdraw your consent",
        description="The voice falls silent everywhere at once, and all its sounds are erased. It stays as a draft.",
        responses={204: None},
    )
    def delete(self, request: Request, voice_id: UUID) -> Response:
        services.withdraw_consent(voice_id, actor=self.actor)
        return Response(status=204)


class ConsentSound(VoicesView):
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(
        operation_id="voices_consent_sound",
        tags=TAG,
        summary="The recording of the consent that holds",
        parameters=[ListenQuery],
        responses={(200, sounds.OPUS): OpenApiTypes.BINARY, (206, sounds.OPUS): OpenApiTypes.BINARY, 304: None},
    )
    def get(self, request: Request, voice_id: UUID) -> HttpResponseBase:
        noted(self, request, voice_id, what="consent")
        stored = selectors.consent_audio(self.actor, voice_id)
        return serve(request._request, stored, stored.audio_id, content_type=sounds.OPUS)


def noted(view: VoicesView, request: Request, voice_id: UUID, what: Literal["sample", "consent"] = "sample") -> None:
    """Of another's voice: that it was listened to, and why, before the first sound."""
    reason = view.query(ListenQuery).get("reason")
    if found(voice_id).owner_id == view.actor.pk:
        return
    if not view.actor.has_perm("voices.listen_voice"):
        raise VoiceNotFound
    if reason is None:
        raise serializers.ValidationError({"reason": "Say why you listen to another's voice."})
    services.note_listening(voice_id, actor=view.actor, reason=reason, what=what)
