"""What the views share."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework.exceptions import APIException, ValidationError
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request

from common.rest import View
from voices.services.samples import LARGEST_BYTES

READ, WRITE = "voices:read", "voices:write"
TAG = ["voices"]
_AROUND_A_FILE = 64 * 1024
"""What a form may have beside its file."""


class TooLarge(APIException):
    status_code = 413
    default_detail = f"A recording has at most {LARGEST_BYTES // 1024**2} MB."


class VoicesView(View):
    """A view of voices."""

    read_scope = READ
    write_scope = WRITE


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


def voice_path(voice_id: UUID | str) -> str:
    return f"/api/voice-profiles/{voice_id}/"
