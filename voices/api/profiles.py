"""The list of voices, one of them, and its ratings."""

from typing import Any
from uuid import UUID

import msgspec
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.rest import Serializer, Text, Whole
from voices import selectors, services
from voices.api.base import TAG, VoicesView, voice_path
from voices.api.serializers import ProfileOut, RatingOut, VoiceOut
from voices.services.profiles import NAME_LENGTH
from voices.services.samples import TRANSCRIPT_LENGTH


class ListQuery(Serializer):
    of = serializers.ChoiceField(
        [("all", "all"), ("own", "yours"), ("shared", "others' that are shared"), ("presets", "the engines'")],
        default="all",
    )


class NewVoice(Serializer):
    name = Text(max_length=NAME_LENGTH)
    language = Text(max_length=40, default="en", help_text="What it is to speak: `en` or `zh-TW`.")


class VoiceChange(Serializer):
    """What is left out stays as it is."""

    name = Text(required=False, max_length=NAME_LENGTH)
    language = Text(required=False, max_length=40)
    transcript = Text(required=False, max_length=TRANSCRIPT_LENGTH, help_text="Exactly what is heard in the sample.")


class Score(Serializer):
    score = Whole(min_value=1, max_value=10)


class Voices(VoicesView):
    @extend_schema(
        operation_id="voices_list",
        tags=TAG,
        summary="The voices that you may use or own",
        description="Yours, those that others share with everybody (at most 500, the latest first), and presets.",
        parameters=[ListQuery],
        responses=VoiceOut(many=True),
    )
    def get(self, request: Request) -> Response:
        of = self.query(ListQuery)["of"]
        kinds = {"own": selectors.own, "shared": selectors.shared, "presets": selectors.presets}
        wanted = kinds.values() if of == "all" else [kinds[of]]
        rows = [row for listed in wanted for row in listed(self.actor)]
        return Response(VoiceOut(rows, many=True).data)

    @extend_schema(
        operation_id="voices_create",
        tags=TAG,
        summary="Begin a voice",
        description="It is a draft until it has a sample and your spoken consent.",
        request=NewVoice,
        responses={201: ProfileOut},
        examples=[OpenApiExample("English", value={"name": "My voice", "language": "en"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        asked = self.body(NewVoice)
        voice_id = services.create(actor=self.actor, name=asked["name"], language=asked["language"])
        return Response(shown(self, voice_id), status=201, headers={"Location": voice_path(voice_id)})


class OneVoice(VoicesView):
    @extend_schema(operation_id="voices_read", tags=TAG, summary="A voice", responses=ProfileOut)
    def get(self, request: Request, voice_id: UUID) -> Response:
        return Response(shown(self, voice_id))

    @extend_schema(
        operation_id="voices_change",
        tags=TAG,
        summary="Rename a voice, or put its transcript right",
        request=VoiceChange,
        responses=ProfileOut,
    )
    def patch(self, request: Request, voice_id: UUID) -> Response:
        change = self.body(VoiceChange)
        if "name" in change:
            services.rename(voice_id, change["name"], actor=self.actor)
        if "language" in change:
            services.change_language(voice_id, change["language"], actor=self.actor)
        if "transcript" in change:
            services.correct_transcript(voice_id, change["transcript"], actor=self.actor)
        return Response(shown(self, voice_id))

    @extend_schema(
        operation_id="voices_delete",
        tags=TAG,
        summary="Delete a voice, for good",
        description="It falls silent everywhere at once, in mid-sentence too; all its sounds are erased.",
        responses={204: None},
    )
    def delete(self, request: Request, voice_id: UUID) -> Response:
        services.delete(voice_id, actor=self.actor)
        return Response(status=204)


class Ratings(VoicesView):
    @extend_schema(operation_id="voices_rating", tags=TAG, summary="What people think of it", responses=RatingOut)
    def get(self, request: Request, voice_id: UUID) -> Response:
        return Response(RatingOut(selectors.profile(self.actor, voice_id).row.rating).data)

    @extend_schema(
        operation_id="voices_rate",
        tags=TAG,
        summary="Rate a voice",
        description="From 1 to 10; your latest rating counts.",
        request=Score,
        responses=RatingOut,
    )
    def put(self, request: Request, voice_id: UUID) -> Response:
        services.rate(voice_id, self.body(Score)["score"], actor=self.actor)
        return self.get(request, voice_id)


def shown(view: VoicesView, voice_id: UUID | str) -> Any:
    """A voice as its reader may see it."""
    found = selectors.profile(view.actor, voice_id)
    parts = {name: getattr(found, name) for name in found.__struct_fields__ if name != "row"}
    return ProfileOut(msgspec.structs.asdict(found.row) | parts).data
