"""The replay's doors within the admin: for staff with the permissions; what is opened is recorded once per view."""

from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from conversations.admin import opened
from conversations.errors import NotAllowed
from conversations.models import Conversation
from conversations.replay.access import ModeratorAccess, What


class StaffAccess(ModeratorAccess):
    """Who has opened something of a conversation and said why may replay it; each sound is recorded once per view."""

    def read(self, request: HttpRequest, conversation_id: UUID) -> Conversation:
        _require_staff(request)
        return _with_reason(request, super().read(request, conversation_id))

    def listen(self, request: HttpRequest, conversation_id: UUID) -> Conversation:
        _require_staff(request)
        return _with_reason(request, super().listen(request, conversation_id))

    def note(
        self, request: HttpRequest, conversation: Conversation, what: What, turn_id: str = "", audio_id: str = ""
    ) -> None:
        name = opened.words_of(conversation.id) if what == "words" else opened.sound_of(conversation.id, audio_id)
        if not opened.is_open(request, name):
            # The ranges of a sound come side by side, before any of them has brought the session back.
            super().note(request, conversation, what, turn_id, audio_id)
            opened.open_now(request, name)

    def reason(self, request: HttpRequest, conversation: Conversation) -> str:
        return opened.reason_for(request, conversation.id)


def _with_reason(request: HttpRequest, conversation: Conversation) -> Conversation:
    if conversation.owner_id != request.user.pk and not opened.reason_for(request, conversation.id):
        raise NotAllowed(_("Open its words or a sound on the conversation's page first, and say why."))
    return conversation


def _require_staff(request: HttpRequest) -> None:
    if not admin.site.has_permission(request):
        raise NotAllowed(_("This is for the staff."))
