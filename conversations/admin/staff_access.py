"""The replay's doors within the admin: for staff with the permissions; what is opened is recorded once per view."""

from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest

from conversations.admin import opened
from conversations.errors import NotAllowed
from conversations.models import Conversation
from conversations.replay.access import ModeratorAccess, What


class StaffAccess(ModeratorAccess):
    """What `opened` has opened for this browser is not recorded again; all else is, and is open from then on."""

    def read(self, request: HttpRequest, conversation_id: UUID) -> Conversation:
        _require_staff(request)
        return super().read(request, conversation_id)

    def listen(self, request: HttpRequest, conversation_id: UUID) -> Conversation:
        _require_staff(request)
        return super().listen(request, conversation_id)

    def note(
        self, request: HttpRequest, conversation: Conversation, what: What, turn_id: str = "", audio_id: str = ""
    ) -> None:
        name = opened.words_of(conversation.id) if what == "words" else opened.sound_of(conversation.id, audio_id)
        if not opened.is_open(request, name):
            # The ranges of a sound come side by side, before any of them has brought the session back.
            super().note(request, conversation, what, turn_id, audio_id)
            opened.open_now(request, name)

    def reason(self, request: HttpRequest) -> str:
        return opened.last_reason(request)


def _require_staff(request: HttpRequest) -> None:
    if not admin.site.has_permission(request):
        raise NotAllowed("This is for the staff.")
