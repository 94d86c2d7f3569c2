"""What the views share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.views import APIView

from voices.access import Actor
from voices.services.samples import LARGEST_BYTES

if TYPE_CHECKING:
    Serializer = serializers.Serializer[Any]
else:
    Serializer = serializers.Serializer
"""Generic in the stubs only."""

READ, WRITE = "voices:read", "voices:write"
TAG = ["voices"]
_AROUND_A_FILE = 64 * 1024
"""What a form may have beside its file."""


class TooLarge(APIException):
    status_code = 413
    default_detail = f"A recording has at most {LARGEST_BYTES // 1024**2} MB."


class VoicesView(APIView):
    """A view of voices; a key needs the scope (what it may reach is still only what its owner may)."""

    read_scope = READ
    write_scope = WRITE
    throttle = ""
    """The kind of request, where the method does not say it: ``heavy``."""

    @property
    def actor(self) -> Actor:
        """Who asks: nobody comes this far without a name."""
        person: Any = self.request.user
        found: Actor = person
        return found

    def body(self, serializer: type[Serializer]) -> dict[str, Any]:
        """What a body says. A field that is not known is an error: a misspelt one must not be passed over."""
        data: Any = self.request.data
        checked = serializer(data=data)
        checked.is_valid(raise_exception=True)
        if unknown := set(data) - set(checked.fields):
            raise ValidationError(dict.fromkeys(sorted(unknown), "There is no such field."))
        found: dict[str, Any] = checked.validated_data
        return found


class RecordingView(VoicesView):
    """One that takes a recording, as the field ``file`` of a form."""

    parser_classes: Sequence[type[BaseParser]] = (MultiPartParser,)
    throttle = "heavy"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuses what says that it is too large before any of it is looked at."""
        super().initial(request, *args, **kwargs)
        said = str(request.META.get("CONTENT_LENGTH") or "0")
        if not said.isdecimal() or int(said[:18]) > LARGEST_BYTES + _AROUND_A_FILE:
            raise TooLarge

    def recording(self) -> bytes:
        """The file's bytes; its name is never looked at. Raises `TooLarge`, `ValidationError`."""
        given = self.request.FILES.get("file")
        if given is None:
            raise ValidationError({"file": "Send the recording as the field `file` of a multipart form."})
        if (given.size or 0) > LARGEST_BYTES:
            raise TooLarge
        return bytes(given.read(LARGEST_BYTES + 1))


class Text(serializers.CharField):
    """A string and nothing else: the framework's field takes numbers, too."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Whole(serializers.IntegerField):
    """A number and nothing else: the framework's field takes strings and switches, too."""

    def to_internal_value(self, data: object) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class WhateverIsAccepted(BaseContentNegotiation):
    """For sound, whose type is what it is: the Accept header is not asked."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        content_type = request.content_type or ""
        return next((one for one in parsers if content_type.startswith(one.media_type)), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


def voice_path(voice_id: UUID | str) -> str:
    return f"/api/voice-profiles/{voice_id}/"
