"""Who may read and hear which conversation: its owner, or a moderator, whose listening is recorded."""

import time
from collections import OrderedDict
from typing import Literal, Protocol
from uuid import UUID

from django.http import HttpRequest

from conversations.models import Conversation
from conversations.services.access import Actor, owned, permitted
from conversations.services.moderation import note_listening

What = Literal["words", "sound"]
ONE_LISTENING_S = 600.0
"""A browser asks for a sound in many ranges, again and again: within this time it is one listening."""


class Access(Protocol):
    """Each method raises `ConversationNotFound` or `NotAllowed`."""

    def read(self, request: HttpRequest, conversation_id: UUID) -> Conversation:
        """A conversation whose words may be shown."""

    def listen(self, request: HttpRequest, conversation_id: UUID) -> Conversation:
        """One whose sound may be played."""

    def note(
        self, request: HttpRequest, conversation: Conversation, what: What, turn_id: str = "", audio_id: str = ""
    ) -> None:
        """To be told before anything is shown or played."""

    def may_listen(self, request: HttpRequest) -> bool: ...


class OwnerAccess:
    """One's own conversations."""

    def read(self, request: HttpRequest, conversation_id: UUID) -> Conversation:
        return owned(_actor(request), conversation_id)

    def listen(self, request: HttpRequest, conversation_id: UUID) -> Conversation:
        return owned(_actor(request), conversation_id)

    def note(
        self, request: HttpRequest, conversation: Conversation, what: What, turn_id: str = "", audio_id: str = ""
    ) -> None:
        pass

    def may_listen(self, request: HttpRequest) -> bool:
        return True


class ModeratorAccess:
    """Anybody's conversations, for those who hold ``read_words`` and ``listen_recording``."""

    def __init__(self) -> None:
        self._noted: OrderedDict[tuple[object, ...], float] = OrderedDict()

    def read(self, request: HttpRequest, conversation_id: UUID) -> Conversation:
        return permitted(_actor(request), conversation_id, "read_words")

    def listen(self, request: HttpRequest, conversation_id: UUID) -> Conversation:
        return permitted(_actor(request), conversation_id, "listen_recording")

    def note(
        self, request: HttpRequest, conversation: Conversation, what: What, turn_id: str = "", audio_id: str = ""
    ) -> None:
        actor = _actor(request)
        key = (actor.pk, conversation.pk, what, turn_id, audio_id)
        now = time.monotonic()
        while self._noted and next(iter(self._noted.values())) < now - ONE_LISTENING_S:
            self._noted.popitem(last=False)
        if what == "sound" and key in self._noted:
            return
        reason = self.reason(request, conversation)
        note_listening(conversation.pk, actor=actor, turn_id=turn_id, audio_id=audio_id, what=what, reason=reason)
        self._noted[key] = now

    def reason(self, request: HttpRequest, conversation: Conversation) -> str:
        """Why they look, as a code; empty when nobody asked."""
        return ""

    def may_listen(self, request: HttpRequest) -> bool:
        return _actor(request).has_perm("conversations.listen_recording")


def _actor(request: HttpRequest) -> Actor:
    return request.user  # type: ignore[return-value]  # whoever gets this far is signed in
