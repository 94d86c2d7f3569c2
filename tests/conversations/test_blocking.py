"""Blocking a person: who may, what the record says, and that their live sessions end at once."""

import json
import time
from typing import Any

import pytest
from django.contrib.sessions.models import Session as StoredSession
from django.test import Client

from conversations.errors import Invalid, NotAllowed, PersonNotFound
from conversations.events import SessionClosed, decode_fact
from conversations.log import store
from conversations.log.models import Event
from conversations.people_events import PersonBlocked, PersonUnblocked, person_stream
from conversations.services import people
from tests.conversations.moderators import in_thread, live_session, moderator, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ana() -> Any:
    return person("ana")


@pytest.fixture
def mod() -> Any:
    return moderator("avatar_project.block_person")


def test_the_record_says_who_did_it_and_why_and_seals_the_note(ana: Any, mod: Any) -> None:
    people.block(ana.pk, actor=mod, reason="abuse", note="shouted at the staff")
    people.unblock(ana.pk, actor=mod, reason="resolved")
    events = store.read_stream(person_stream(ana.pk))
    facts = [decode_fact(event.type, event.version, event.payload) for event in events]
    assert facts == [
        PersonBlocked(reason="abuse", note="shouted at the staff"),
        PersonUnblocked(reason="resolved"),
    ]
    assert {event.metadata.actor for event in events} == {str(mod.pk)}
    assert "shouted" not in json.dumps(list(Event.objects.values_list("payload", flat=True)))


def test_the_same_again_changes_nothing(ana: Any, mod: Any) -> None:
    people.unblock(ana.pk, actor=mod, reason="resolved")
    people.block(ana.pk, actor=mod, reason="abuse")
    people.block(ana.pk, actor=mod, reason="abuse")
    ana.refresh_from_db()
    assert (ana.is_active, Event.objects.count()) == (False, 1)


def test_who_may_block_whom(ana: Any, mod: Any) -> None:
    with pytest.raises(NotAllowed):
        people.block(ana.pk, actor=moderator("cut_session", name="other"), reason="abuse")
    with pytest.raises(PersonNotFound):
        people.block("7d1f", actor=mod, reason="abuse")
    with pytest.raises(Invalid):
        people.block(mod.pk, actor=mod, reason="abuse")
    with pytest.raises(Invalid):
        people.block(ana.pk, actor=mod, reason="He is rude!")
    with pytest.raises(Invalid):
        people.block(ana.pk, actor=mod, reason="abuse", note="x" * 3000)
    staff = moderator(name="colleague")
    with pytest.raises(NotAllowed):
        people.block(staff.pk, actor=mod, reason="abuse")
    root = person("root", is_staff=True, is_superuser=True)
    people.block(staff.pk, actor=root, reason="abuse")
    staff.refresh_from_db()
    assert not staff.is_active
    ana.refresh_from_db()
    assert ana.is_active


async def test_live_sessions_end_at_once(ana: Any, mod: Any) -> None:
    async with live_session(ana) as first, live_session(ana) as second:
        began = time.monotonic()
        assert await in_thread(lambda: people.block(ana.pk, actor=mod, reason="abuse")) == 2
        for socket in (first, second):
            assert (await socket.until("error"))["error"]["code"] == "forbidden"
            assert await socket.closed() == 4403
            await socket.wait(5)
        assert time.monotonic() - began < 2.0
    assert (await in_thread(lambda: first.facts(SessionClosed)))[0]["reason"] == "blocked"


def test_a_blocked_person_is_out_and_signs_in_anew_when_let_in_again(ana: Any, mod: Any, settings: Any) -> None:
    settings.GUESTS_ADMITTED = False
    browser = Client(SERVER_NAME="127.0.0.1", HTTP_HOST="127.0.0.1:8000")
    browser.force_login(ana)
    assert browser.get("/chat").status_code == 200
    people.block(ana.pk, actor=mod, reason="abuse")
    assert browser.get("/chat").status_code == 403
    assert not browser.login(username="ana", password="a long enough password")
    people.unblock(ana.pk, actor=mod, reason="resolved")
    assert StoredSession.objects.count() == 0
    assert browser.get("/chat").status_code == 302
    assert browser.login(username="ana", password="a long enough password")
    assert browser.get("/chat").status_code == 200


async def test_who_was_blocked_after_coming_through_the_door_begins_nothing_and_resumes_nothing(
    ana: Any, mod: Any
) -> None:
    async with live_session(ana) as socket:
        pass
    await in_thread(lambda: people.block(ana.pk, actor=mod, reason="abuse"))
    before = await in_thread(Event.objects.count)
    for conversation_id in ("", socket.conversation_id):
        with pytest.raises(AssertionError, match=r"websocket.close.*4403"):
            async with live_session(ana, conversation_id=conversation_id):
                pass
    assert await in_thread(Event.objects.count) == before
