"""Sharing a voice, and what managers decide about it."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.reasons import NOTE_LENGTH
from common.rest import Serializer, Text
from voices import selectors, services
from voices.api.base import TAG, VoicesView
from voices.api.profiles import shown
from voices.api.serializers import ConsentOut, ProfileOut, SampleOut
from voices.reasons import ApproveReason, RejectReason, RevokeReason


class Decision(Serializer):
    """What a manager decides comes with a reason, and with words to the owner if there is need."""

    note = Text(max_length=NOTE_LENGTH, default="", allow_blank=True, help_text="For the owner.")


class Approval(Decision):
    reason = serializers.ChoiceField(ApproveReason.choices, default=ApproveReason.SUITABLE)


class Rejection(Decision):
    reason = serializers.ChoiceField(RejectReason.choices)


class Revocation(Decision):
    reason = serializers.ChoiceField(RevokeReason.choices)


class WaitingOut(Serializer):
    """A voice that a manager is to decide about."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    owner_id = serializers.CharField(help_text="Opaque.")
    language = serializers.CharField()
    sharing_asked_at = serializers.DateTimeField()
    report = SampleOut(allow_null=True)
    consent = ConsentOut(allow_null=True)


class Share(VoicesView):
    @extend_schema(
        operation_id="voices_share",
        tags=TAG,
        summary="Share your voice with everybody",
        description="A voice manager approves or rejects it. Your consent must have the scope `shared`.",
        request=None,
        responses=ProfileOut,
    )
    def post(self, request: Request, voice_id: UUID) -> Response:
        services.share(voice_id, actor=self.actor)
        return Response(shown(self, voice_id))

    @extend_schema(
        operation_id="voices_unshare",
        tags=TAG,
        summary="Take your voice back",
        description="For others it falls silent at once.",
        responses={204: None},
    )
    def delete(self, request: Request, voice_id: UUID) -> Response:
        services.unshare(voice_id, actor=self.actor)
        return Response(status=204)


class Waiting(VoicesView):
    @extend_schema(
        operation_id="voices_waiting",
        tags=TAG,
        summary="What waits for a decision",
        description="The oldest first. Needs the permission `approve_voice`.",
        responses=WaitingOut(many=True),
    )
    def get(self, request: Request) -> Response:
        return Response(WaitingOut(selectors.waiting(self.actor), many=True).data)


class Approve(VoicesView):
    @extend_schema(
        operation_id="voices_approve",
        tags=TAG,
        summary="Approve a voice",
        description="Needs the permission `approve_voice`.",
        request=Approval,
        responses={204: None},
    )
    def post(self, request: Request, voice_id: UUID) -> Response:
        services.approve(voice_id, actor=self.actor, **self.body(Approval))
        return Response(status=204)


class Reject(VoicesView):
    @extend_schema(
        operation_id="voices_reject",
        tags=TAG,
        summary="Reject a voice",
        description="Its owner goes on using it. Needs the permission `approve_voice`.",
        request=Rejection,
        responses={204: None},
    )
    def post(self, request: Request, voice_id: UUID) -> Response:
        services.reject(voice_id, actor=self.actor, **self.body(Rejection))
        return Response(status=204)


class Revoke(VoicesView):
    @extend_schema(
        operation_id="voices_revoke",
        tags=TAG,
        summary="Revoke a voice",
        description="It falls silent for everybody, its owner too. Needs the permission `revoke_voice`.",
        request=Revocation,
        responses={204: None},
    )
    def post(self, request: Request, voice_id: UUID) -> Response:
        services.revoke(voice_id, actor=self.actor, **self.body(Revocation))
        return Response(status=204)
