"""A moderator follows a running session: what they see, when, and how it ends."""

import asyncio
import json
import time
from typing import Any

import pytest
from django.contrib.sessions.models import Session as StoredSession

from conversations.events import KeepChanged, RecordingHeard, SessionMuted
from conversations.live_watch import feed as feeds
from conversations.oversight import broadcast
from conversations.services import people
from conversations.services.access import record
from tests.conversations.moderators import in_thread, live_session, moderator, person
from tests.conversations.watching import watching

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ana() -> Any:
    return person("ana")


@pytest.fixture
def mod() -> Any:
    return moderator("watch_session", "mute_session", "cut_session", "flag_conversation")


async def test_words_appear_as_they_are_said(ana: Any, mod: Any) -> None:
    async with live_session(ana) as socket:
        watch = await watching(mod, socket)
        await watch.until("line", kind="session.opened")
        began = time.monotonic()
        await socket.write("Good morning!")
        assert (await watch.until("line", kind="user"))["text"] == "Good morning!"
        assert time.monotonic() - began < 1.0
        await socket.say("response.create")
        assert (await watch.until("line", kind="assistant"))["text"].strip() == "Hello to you."
        assert (await watch.until("line", kind="assistant"))["text"].strip() == "How are you today?"
        await socket.until("response.done")
        await socket.leave()
        assert (await watch.until("over"))["reason"] == "closed"
        await watch.close()


async def test_without_a_poke_they_appear_a_little_later(ana: Any, mod: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "_send", lambda *_: asyncio.sleep(0))
    async with live_session(ana) as socket:
        watch = await watching(mod, socket)
        await watch.until("line", kind="session.opened")
        await socket.write("Good morning!")
        await watch.until("line", within_s=feeds.LOOK_S + 2, kind="user")
        await watch.close()


async def test_a_broken_connection_goes_on_without_repeating(ana: Any, mod: Any) -> None:
    async with live_session(ana) as socket:
        watch = await watching(mod, socket)
        await socket.write("One.")
        told = await watch.until("line", kind="user")
        await watch.close()
        await socket.write("Two.")
        again = await watching(mod, socket, after=told["sequence"])
        assert (await again.until("line", kind="user"))["text"] == "Two."
        await again.close()
        # The same visit: recorded once, naming the moderator.
        heard = await in_thread(lambda: socket.facts(RecordingHeard))
        assert [(fact["what"], fact["reason"], fact["actor"]) for fact in heard] == [("words", "live", str(mod.pk))]


async def test_signing_out_ends_the_watch(ana: Any, mod: Any) -> None:
    async with live_session(ana) as socket:
        watch = await watching(mod, socket)
        await watch.until("line", kind="session.opened")
        await in_thread(StoredSession.objects.all().delete)
        await socket.write("A secret.")
        assert (await watch.until("over"))["reason"] == "not_allowed"
        assert not [body for name, body in watch.seen if body.get("kind") == "user"]
        await watch.close()


async def test_what_is_said_in_a_later_session_is_not_the_ended_ones(ana: Any, mod: Any) -> None:
    async with live_session(ana) as first:
        await first.write("One.")
        watch = await watching(mod, first)
        told = await watch.until("line", kind="user")
        await watch.close()
    async with live_session(ana, conversation_id=first.conversation_id) as second:
        await second.write("Two.")
        await second.until("conversation.item.done")
        again = await watching(mod, first, after=told["sequence"])
        assert (await again.until("over"))["reason"] == "closed"
        assert [body["text"] for name, body in again.seen if body.get("kind") == "user"] == []
        await again.close()
        anew = await watching(mod, first, watch="w2")
        assert (await anew.until("over"))["reason"] == "closed"
        assert [name for name, _ in anew.seen] == ["over"]
        await anew.close()


async def test_a_permission_that_is_taken_back_ends_the_watch(ana: Any, mod: Any) -> None:
    async with live_session(ana) as socket:
        watch = await watching(mod, socket)
        await watch.until("line", kind="session.opened")
        await in_thread(mod.user_permissions.clear)
        await socket.write("A secret.")
        assert (await watch.until("over"))["reason"] == "not_allowed"
        assert "secret" not in json.dumps(watch.seen)
        await watch.close()


async def test_whoever_is_blocked_watches_no_more(ana: Any, mod: Any) -> None:
    root = await in_thread(lambda: person("root", is_staff=True, is_superuser=True))
    async with live_session(ana) as socket:
        watch = await watching(mod, socket)
        await watch.until("state")
        await in_thread(lambda: people.block(mod.pk, actor=root, reason="abuse"))
        assert (await watch.until("over"))["reason"] == "not_allowed"
        await watch.close()


async def test_a_private_conversation_shows_no_words_and_says_so(ana: Any, mod: Any) -> None:
    async with live_session(ana) as socket:
        watch = await watching(mod, socket)
        await in_thread(lambda: record(socket.conversation_id, KeepChanged(keep="nothing"), actor=ana))
        await watch.until("state", keep="nothing")
        await socket.write("A secret.")
        line = await watch.until("line", kind="user")
        assert line["sealed"] is True
        assert "secret" not in json.dumps(watch.seen)
        await watch.close()


async def test_the_state_is_told_when_it_changes(ana: Any, mod: Any) -> None:
    async with live_session(ana) as socket:
        watch = await watching(mod, socket)
        assert (await watch.until("state"))["muted"] is False
        fact = SessionMuted(session_id=socket.session_id, muted=True, reason="abuse")
        await in_thread(lambda: record(socket.conversation_id, fact, actor=mod))
        await watch.until("line", kind="muted", code="abuse")
        assert (await watch.until("state"))["muted"] is True
        await watch.close()


async def test_only_so_many_watch_at_once(ana: Any, mod: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "WATCHERS", 1)
    async with live_session(ana) as socket:
        first = await watching(mod, socket)
        await first.until("state")
        second = await watching(mod, socket, watch="w2")
        assert (await second.until("over"))["reason"] == "full"
        await second.close()
        await first.close()
        third = await watching(mod, socket, watch="w3")
        await third.until("state")
        await third.close()


async def test_a_watch_does_not_last_for_ever(ana: Any, mod: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "LONGEST_S", 0.0)
    async with live_session(ana) as socket:
        watch = await watching(mod, socket)
        assert (await watch.until("over"))["reason"] == "long"
        await watch.close()
