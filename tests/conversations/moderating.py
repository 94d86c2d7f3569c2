"""What tests of moderation share: a conversation somebody held, and people with and without permissions."""

from typing import Any

from django.contrib.auth.models import Group, Permission

from avatar_project.models import User
from conversations.events import (
    ConversationStarted,
    Fact,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    ReplyStarted,
    SessionOpened,
    TurnMeasured,
    UserSpoke,
    UserTranscribed,
)
from conversations.log import store
from conversations.log.eventlog import event_log
from conversations.log.types import Metadata, RecordedEvent
from conversations.record import new_event
from conversations.streams import stream_of

ONE = "0198a000-0000-7000-8000-000000000001"
SAID, ANSWERED = "Where is the lighthouse?", "It is on the northern cape."


def append(conversation_id: str, turn_id: str, *facts: Fact) -> None:
    events = [new_event(fact, Metadata(actor="a", session="s", correlation=turn_id)) for fact in facts]
    event_log().append_now(stream_of(conversation_id), store.ANY, events)


def held(owner: User, conversation_id: str = ONE, *, session: str = "s-1", audio: tuple[str, str] = ("", "")) -> str:
    """A conversation of two turns; the first as heard, the second failed. Its session stays open."""
    started = ConversationStarted(owner=str(owner.pk), language="en", voice="heart")
    append(conversation_id, "", started, SessionOpened(session_id=session, voice="heart", language="en"))
    append(
        conversation_id,
        "t1",
        UserSpoke(item_id="u1", audio_id=audio[0] or "a" * 32, duration_ms=1200),
        UserTranscribed(item_id="u1", text=SAID, language="en"),
        ReplyStarted(response_id="r1", model="m", voice="heart"),
        ReplySpoken(response_id="r1", item_id="i1", index=0, text=ANSWERED),
        ReplyGenerated(response_id="r1", item_id="i1", text=f"{ANSWERED} Shall I say more?"),
        ReplyHeard(
            response_id="r1", item_id="i1", text=ANSWERED, audio_ms=900, source="client", audio_id=audio[1] or "b" * 32
        ),
        ReplyFinished(response_id="r1", status="completed"),
        TurnMeasured(response_id="r1", endpoint_ms=200, first_audio_ms=640),
    )
    append(
        conversation_id,
        "t2",
        UserTranscribed(item_id="u2", text="And what else?", language="en"),
        ReplyStarted(response_id="r2", model="m", voice="heart"),
        ReplyFinished(response_id="r2", status="failed"),
    )
    return conversation_id


def person(name: str, *permissions: str, role: str = "", **fields: Any) -> User:
    """Somebody with these permissions (``conversations.…`` unless the app is named), or with a role."""
    user = User.objects.create_user(name, password="a password of theirs", **fields)
    for permission in permissions:
        app, _, codename = permission.rpartition(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app or "conversations", codename=codename)
        )
    if role:
        user.groups.add(Group.objects.get(name=role))
    return User.objects.get(pk=user.pk)


def facts(conversation_id: str = ONE, *types: str) -> list[RecordedEvent]:
    """The conversation's events of these types, in order."""
    events = store.read_stream(stream_of(conversation_id))
    return [event for event in events if not types or event.type in types]
