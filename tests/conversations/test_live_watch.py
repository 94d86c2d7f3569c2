"""A moderator follows a running session: who may, what they see, how it ends, and what they can do there."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from django.contrib.sessions.models import Session as StoredSession
from django.core import signing
from django.test import Client
from django.urls import reverse

from conversations.events import KeepChanged, RecordingHeard, SessionMuted
from conversations.live_watch import feed as feeds
from conversations.live_watch.feed import feed
from conversations.live_watch.news import Watched, begin, find
from conversations.log.models import Event
from conversations.models import Flag, Session
from conversations.oversight import broadcast
from conversations.services import burial, people
from conversations.services.access import record
from tests.conversations.moderators import LiveSocket, in_thread, live_session, moderator, person
from tests.conversations.test_presence import opened

pytestmark = pytest.mark.django_db(transaction=True)


def client(**options: Any) -> Client:
    return Client(SERVER_NAME="127.0.0.1", HTTP_HOST="127.0.0.1:8000", **options)


@pytest.fixture
def ana() -> Any:
    return person("ana")


@pytest.fixture
def mod() -> Any:
    return moderator("watch_session", "mute_session", "cut_session", "flag_conversation")


def signed_in(user: Any) -> Client:
    browser = client()
    browser.force_login(user)
    return browser


class Watching:
    """Reads a feed as a browser would."""

    def __init__(self, stream: AsyncGenerator[bytes, None]) -> None:
        self._stream = stream
        self._rest = b""
        self.seen: list[tuple[str, dict[str, Any]]] = []

    async def until(self, event: str, /, within_s: float = 5.0, **fields: Any) -> dict[str, Any]:
        """The next event of that name with these fields."""
        async with asyncio.timeout(within_s):
            while True:
                name, body = await self._next()
                self.seen.append((name, body))
                if name == event and fields.items() <= body.items():
                    return body

    async def _next(self) -> tuple[str, dict[str, Any]]:
        while True:
            block, found, rest = self._rest.partition(b"\n\n")
            if not found:
                self._rest += await anext(self._stream)
                continue
            self._rest = rest
            fields = dict(line.split(": ", 1) for line in block.decode().splitlines() if not line.startswith(":"))
            if "event" in fields:
                return fields["event"], json.loads(fields["data"])

    async def close(self) -> None:
        await self._stream.aclose()


async def watching(user: Any, socket: LiveSocket, after: int | None = None, watch: str = "w1") -> Watching:
    sign_in = await in_thread(lambda: signed_in(user).session.session_key or "")
    watched = await in_thread(lambda: find(str(user.pk), socket.session_id, watch, sign_in))
    return Watching(feed(watched, after))


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


# The pages


def test_the_list_shows_who_talks_and_links_to_them(ana: Any, mod: Any) -> None:
    opened(ana)
    page = signed_in(mod).get(reverse("live:index"))
    assert page.status_code == 200
    assert b"ana" in page.content
    assert reverse("live:watch", args=["sess_1"]).encode() in page.content
    rows = signed_in(mod).get(reverse("live:index"), {"part": "rows"})
    assert b"<html" not in rows.content
    assert b"ana" in rows.content


def test_an_empty_list_says_so(mod: Any) -> None:
    assert b"Nobody is talking" in signed_in(mod).get(reverse("live:index")).content


@pytest.mark.parametrize("name", ["index", "watch", "feed", "act"])
def test_the_pages_are_for_staff_with_the_permission(ana: Any, name: str) -> None:
    opened(ana)
    address = reverse(f"live:{name}", args=[] if name == "index" else ["sess_1"])
    send = "post" if name == "act" else "get"
    assert getattr(client(), send)(address).status_code in {302, 403}
    for user in (ana, moderator("read_words", "mute_session", name="other")):
        assert getattr(signed_in(user), send)(address).status_code == 403


def test_a_session_that_never_was_is_not_found(mod: Any) -> None:
    assert signed_in(mod).get(reverse("live:watch", args=["sess_nowhere"])).status_code == 404


def test_the_feed_needs_the_visit_that_a_page_began(ana: Any, mod: Any) -> None:
    opened(ana)
    address = reverse("live:feed", args=["sess_1"])
    other = moderator("watch_session", name="other")
    for watch in ("", "nonsense", signing.dumps([str(other.pk), "sess_1", "n"], salt="live watch")):
        assert signed_in(mod).get(address, {"watch": watch}).status_code == 403


def test_what_a_moderator_may_not_do_is_not_offered(ana: Any) -> None:
    opened(ana)
    page = signed_in(moderator("watch_session", name="watcher")).get(reverse("live:watch", args=["sess_1"]))
    assert b'value="end"' not in page.content
    assert b'value="flag"' not in page.content
    assert b'value="block"' not in page.content


def act(user: Any, **form: str) -> Any:
    return signed_in(user).post(reverse("live:act", args=["sess_1"]), form, headers={"Accept": "application/json"})


def test_the_buttons_do_what_they_say(ana: Any, mod: Any) -> None:
    opened(ana)
    assert act(mod, action="mute", reason="abuse").status_code == 204
    assert Session.objects.get().muted
    assert act(mod, action="unmute", reason="resolved").status_code == 204
    assert not Session.objects.get().muted
    assert act(mod, action="flag", reason="hate", note="listen to the second turn").status_code == 204
    assert Flag.objects.get().raised_by == str(mod.pk)
    assert act(mod, action="end", reason="danger").status_code == 204
    assert act(mod, action="mute", reason="").status_code == 400
    assert act(mod, action="dance", reason="abuse").status_code == 400
    assert act(mod, action="block", reason="abuse").status_code == 403
    assert "permission" in act(mod, action="block", reason="abuse").json()["message"]
    root = person("root", is_staff=True, is_superuser=True)
    assert act(root, action="block", reason="abuse").status_code == 204
    ana.refresh_from_db()
    assert not ana.is_active


def test_a_form_without_scripts_goes_back_to_the_page(ana: Any, mod: Any) -> None:
    opened(ana)
    answer = signed_in(mod).post(reverse("live:act", args=["sess_1"]), {"action": "mute", "reason": "abuse"})
    assert answer["Location"] == reverse("live:watch", args=["sess_1"])


def test_forms_of_other_sites_do_nothing(ana: Any, mod: Any) -> None:
    opened(ana)
    browser = client(enforce_csrf_checks=True)
    browser.force_login(mod)
    assert browser.post(reverse("live:act", args=["sess_1"]), {"action": "end", "reason": "abuse"}).status_code == 403


def test_watched_names_the_visit(ana: Any, mod: Any) -> None:
    session = opened(ana)
    key = signed_in(mod).session.session_key or ""
    assert find(str(mod.pk), "sess_1", "w", key) == Watched(str(mod.pk), "sess_1", session.conversation_id, "w", key)


def test_who_comes_back_to_what_was_erased_meanwhile_is_recorded(ana: Any, mod: Any) -> None:
    session = opened(ana)
    key = signed_in(mod).session.session_key or ""
    begin(find(str(mod.pk), session.session_id, "w1", key))
    burial.bury(session.conversation_id, reason="test")
    begin(find(str(mod.pk), session.session_id, "w2", key))
    assert Event.objects.filter(type=RecordingHeard.type).count() == 2
