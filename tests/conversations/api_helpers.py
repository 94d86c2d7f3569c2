"""People with keys and conversations, for the tests of the API."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

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
from conversations.log.eventlog import event_log
from conversations.log.types import Metadata
from conversations.record import new_event
from conversations.streams import stream_of

SCOPES = ("conversations:read", "conversations:write", "events:read", "voices:read", "voices:write", "realtime")


def person(name: str, *permissions: str) -> Any:
    user = get_user_model().objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def key_of(user: Any, *scopes: str) -> str:
    from avatar_project import api_keys

    return api_keys.create(user, name="tests", scopes=scopes or SCOPES, expires_at=None).key


def client_of(user: Any, *scopes: str) -> Client:
    """A program with a key of the person's."""
    return Client(headers={"authorization": f"Bearer {key_of(user, *scopes)}"}, raise_request_exception=False)


def record(conversation_id: str, turn_id: str, *facts: Fact) -> None:
    events = [new_event(fact, Metadata(actor="a", session="s", correlation=turn_id)) for fact in facts]
    event_log().append_now(stream_of(conversation_id), None, events)


def started(owner: Any, *, language: str = "en", voice: str = "v") -> str:
    conversation_id = str(uuid4())
    opened = SessionOpened(session_id=f"sess_{uuid4().hex}", voice=voice, language=language)
    record(conversation_id, "", ConversationStarted(owner=str(owner.pk), language=language, voice=voice), opened)
    return conversation_id


def turn(user: str = "How is the weather?", answer: str = "It is warm.", audio_id: str = "") -> Sequence[Fact]:
    """A turn that was answered to the end."""
    item, response = uuid4().hex, f"resp_{uuid4().hex}"
    facts: list[Fact] = [UserSpoke(item_id=f"u{item}", audio_id=audio_id, duration_ms=1200)] if audio_id else []
    return (
        *facts,
        UserTranscribed(item_id=f"u{item}", text=user, language="en", confidence=0.9, model="w"),
        ReplyStarted(response_id=response, model="m", voice="v"),
        ReplySpoken(response_id=response, item_id=f"a{item}", index=0, text=answer),
        ReplyGenerated(response_id=response, item_id=f"a{item}", text=f"{answer} And more.", input_tokens=9),
        ReplyHeard(response_id=response, item_id=f"a{item}", text=answer, audio_ms=900, source="playback_clock"),
        ReplyFinished(response_id=response, status="completed"),
        TurnMeasured(response_id=response, endpoint_ms=200.0, first_audio_ms=450.0),
    )


def talk(owner: Any, *turns: tuple[str, str]) -> str:
    """A conversation of so many turns; returns its id."""
    conversation_id = started(owner)
    for number, (user, answer) in enumerate(turns or (("How is the weather?", "It is warm."),), start=1):
        record(conversation_id, f"turn_{number}", *turn(user, answer))
    return conversation_id
