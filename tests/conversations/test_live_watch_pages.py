"""The pages of running conversations: for whom they are, what they offer, and that each visit is recorded."""

from typing import Any

import pytest
from django.core import signing
from django.urls import reverse

from conversations.events import RecordingHeard
from conversations.live_watch.news import Watched, begin, find
from conversations.log.models import Event
from conversations.models import Flag, Session
from conversations.services import burial
from tests.conversations.moderators import moderator, person
from tests.conversations.test_presence import opened
from tests.conversations.watching import client, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ana() -> Any:
    return person("ana")


@pytest.fixture
def mod() -> Any:
    return moderator("watch_session", "mute_session", "cut_session", "flag_conversation")


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
