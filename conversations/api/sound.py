"""The sound of a turn, whole or in ranges."""

from uuid import UUID

from django.conf import settings
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request

from common.rest import WhateverIsAccepted
from conversations.api.base import ConversationsView
from conversations.api.conversations import owned_and_there
from conversations.api.queries import SoundQuery
from conversations.log.audio import AudioStore
from conversations.log.errors import AudioMissing
from conversations.log.keys import KeyRing
from conversations.log.serving import serve
from conversations.models import Conversation, Turn
from conversations.replay.cut import as_heard
from conversations.streams import stream_of

OPUS = (200, "audio/ogg")


class Sound(ConversationsView):
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(
        operation_id="turn_sound",
        tags=["conversations"],
        summary="The sound of a turn",
        description=(
            "Ogg Opus: what was said, or all that was sent of the answer. The header `Range` asks for one range, such "
            "as `bytes=0-4095`."
        ),
        parameters=[
            SoundQuery,
            OpenApiParameter("side", str, OpenApiParameter.PATH, enum=("user", "reply")),
        ],
        responses={
            OPUS: OpenApiTypes.BINARY,
            (206, "audio/ogg"): OpenApiResponse(OpenApiTypes.BINARY, description="The range asked for."),
            304: OpenApiResponse(description="What the client has is still it."),
        },
    )
    def get(self, request: Request, conversation_id: UUID, number: int, side: str) -> HttpResponseBase:
        conversation = owned_and_there(self.actor, conversation_id)
        turn = _turn(conversation, number)
        audio_id = {"user": turn.user_audio_id, "reply": turn.reply_audio_id}.get(side, "")
        if not audio_id:
            raise AudioMissing("There is no such sound: there was none, it was not kept, or it was erased.")
        ring = KeyRing.load(stream_of(str(conversation.id)), [turn.turn_id])
        stored = AudioStore(settings.DATA_DIR / "audio").open(audio_id, ring.find)
        if side == "reply" and self.query(SoundQuery)["heard"] and not turn.heard_complete:
            heard_ms = turn.heard_ms or 0
            if not heard_ms:
                raise AudioMissing("Nothing of this answer was heard.")
            return serve(request._request, as_heard(stored, heard_ms), f"{audio_id}-{heard_ms}")
        return serve(request._request, stored, audio_id)


def _turn(conversation: Conversation, number: int) -> Turn:
    turn = Turn.objects.filter(conversation=conversation, number=number).first()
    if turn is None:
        raise AudioMissing("There is no such turn.")
    return turn
