"""What a moderator has opened: words and sound of others stay closed until they are asked for, and that is recorded.

Opening lasts a while (`OPEN_FOR_S`), so that a page that is looked at again, or a player that asks for range after
range, is one view and one entry in the record. It is kept in the moderator's own session.
"""

import time
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from conversations.errors import Invalid
from conversations.log.codec import decode_metadata
from conversations.log.models import Event
from conversations.models import Conversation
from conversations.services import moderation
from conversations.services.access import Actor, require
from conversations.streams import conversation_of

OPEN_FOR_S = 15 * 60
WHOLE = ""
"""In place of a sound's id: the conversation as it was heard."""
_SESSION = "moderation_opened"
_REASON = "moderation_reason"
_REASONS = "moderation_reasons"


def open_words(request: HttpRequest, actor: Actor, conversation: Conversation, reason: str) -> None:
    """Raises `NotAllowed`, `Invalid`, `log.errors.LogError`: nothing is open then."""
    if not words_are_open(request, conversation.id):
        _asked(actor, "read_words", reason)
        moderation.note_listening(conversation.id, actor=actor, what="words", reason=reason)
        _remember(request, conversation.id, reason)
        open_now(request, words_of(conversation.id))


def words_are_open(request: HttpRequest, conversation_id: UUID) -> bool:
    return request.user.has_perm("conversations.read_words") and is_open(request, words_of(conversation_id))


def open_sound(
    request: HttpRequest, actor: Actor, conversation: Conversation, turn_id: str, audio_id: str, reason: str
) -> None:
    """Raises as `open_words` does."""
    if not sound_is_open(request, conversation.id, audio_id):
        _asked(actor, "listen_recording", reason)
        moderation.note_listening(
            conversation.id, actor=actor, turn_id=turn_id, audio_id=audio_id, what="sound", reason=reason
        )
        _remember(request, conversation.id, reason)
        open_now(request, sound_of(conversation.id, audio_id))


def sound_is_open(request: HttpRequest, conversation_id: UUID, audio_id: str) -> bool:
    allowed = request.user.has_perm("conversations.listen_recording")
    return allowed and is_open(request, sound_of(conversation_id, audio_id))


def open_event(request: HttpRequest, actor: Actor, event: Event, reason: str) -> None:
    """The words of one event of the log. Raises as `open_words` does."""
    if not event_is_open(request, event.position):
        _asked(actor, "read_words", reason)
        turn_id = decode_metadata(event).correlation
        conversation_id = conversation_of(event.stream)
        moderation.note_listening(conversation_id, actor=actor, turn_id=turn_id, what="words", reason=reason)
        request.session[_REASON] = reason  # for this event's words alone
        open_now(request, _event(event.position))


def reason_for(request: HttpRequest, conversation_id: UUID) -> str:
    """Why this moderator opened words or sound of it within the last `OPEN_FOR_S`; empty when they did not."""
    reason, until = request.session.get(_REASONS, {}).get(str(conversation_id), ("", 0.0))
    return str(reason) if float(until) > time.time() else ""


def last_reason(request: HttpRequest) -> str:
    """The reason that this moderator gave last: who looks into a complaint opens more than one thing."""
    return str(request.session.get(_REASON, ""))


def event_is_open(request: HttpRequest, position: int) -> bool:
    return request.user.has_perm("conversations.read_words") and is_open(request, _event(position))


def close(request: HttpRequest, conversation_id: UUID) -> None:
    """Closes the conversation's words and sounds again, before their time."""
    opened = request.session.get(_SESSION, {})
    request.session[_SESSION] = {name: until for name, until in opened.items() if str(conversation_id) not in name}
    reasons = request.session.get(_REASONS, {})
    request.session[_REASONS] = {name: given for name, given in reasons.items() if name != str(conversation_id)}


def words_of(conversation_id: UUID) -> str:
    """What the words of a conversation are called here."""
    return f"words:{conversation_id}"


def sound_of(conversation_id: UUID, audio_id: str) -> str:
    """What a sound is called here; ``audio_id`` may be `WHOLE`."""
    return f"sound:{conversation_id}:{audio_id}"


def open_now(request: HttpRequest, name: str) -> None:
    """For a caller that has recorded it."""
    now = time.time()
    opened = {known: until for known, until in request.session.get(_SESSION, {}).items() if until > now}
    request.session[_SESSION] = opened | {name: now + OPEN_FOR_S}


def is_open(request: HttpRequest, name: str) -> bool:
    return float(request.session.get(_SESSION, {}).get(name, 0.0)) > time.time()


def _remember(request: HttpRequest, conversation_id: UUID, reason: str) -> None:
    now = time.time()
    known = {name: given for name, given in request.session.get(_REASONS, {}).items() if given[1] > now}
    request.session[_REASONS] = known | {str(conversation_id): (reason, now + OPEN_FOR_S)}
    request.session[_REASON] = reason


def _asked(actor: Actor, permission: str, reason: str) -> None:
    require(actor, permission)
    if not reason:
        raise Invalid(_("Say why: choose a reason."))


def _event(position: int) -> str:
    return f"event:{position}"
