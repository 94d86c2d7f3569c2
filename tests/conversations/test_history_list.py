"""The list of one's history: days, filters, search and pages, and nobody else's conversations."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from avatar_project.models import User
from conversations import search
from conversations.models import Conversation
from conversations.services import erasure, moderation
from tests.conversations.fill import fill
from tests.conversations.history_read import body, listed
from tests.conversations.history_read import client as client  # noqa: PLC0414  (a fixture)
from tests.conversations.history_read import owner as owner  # noqa: PLC0414  (a fixture)
from tests.conversations.history_read import talk as talk  # noqa: PLC0414  (a fixture)
from tests.conversations.talks import Talk

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_empty_history_says_what_to_do(client: Client) -> None:
    assert "Nothing has been said yet." in body(client, "/history")


def test_conversations_stand_under_their_days(client: Client, owner: User) -> None:
    days = (0, 1, 3, 60)
    talks = [Talk(str(owner.pk)).say(f"Said {day} days ago.") for day in days]
    now = timezone.now()
    for days_ago, each in zip(days, talks, strict=True):
        Conversation.objects.filter(id=each.id).update(updated_at=now - timedelta(days=days_ago))
    page = body(client, "/history")
    assert listed(client) == [each.id for each in talks]
    headings = re.findall(r'class="day"[^>]*>([^<]*)<', page)
    month = timezone.localtime(now - timedelta(days=60))
    weekday = timezone.localtime(now - timedelta(days=3))
    assert headings == ["Today", "Yesterday", f"{weekday:%A}", f"{month:%B %Y}"]


def test_what_is_not_there_does_not_show(client: Client, owner: User, talk: Talk) -> None:
    moderator = User.objects.create_superuser("moderator")
    never_begun = Talk(str(owner.pk))
    hidden = Talk(str(owner.pk)).say("Hidden.")
    moderation.hide(hidden.id, actor=moderator, hidden=True, reason="under_review")
    erased = Talk(str(owner.pk)).say("Erased.")
    erasure.erase_conversation(erased.id, actor=owner, reason="request")
    others = Talk(str(moderator.pk)).say("Another's.")
    assert listed(client) == [talk.id]
    for gone in (hidden, erased, others):
        for path in ("", "/lines", "/erase", "/export/json"):
            assert client.get(f"/history/{gone.id}{path}").status_code == 404
        for path in ("/title", "/fork", "/erase", "/turns/1/erase"):
            assert client.post(f"/history/{gone.id}{path}").status_code == 404
    assert client.get(f"/history/{never_begun.id}").status_code == 200


def test_a_moderator_who_looks_does_not_move_a_conversation(client: Client, owner: User, talk: Talk) -> None:
    later = Talk(str(owner.pk)).say("Later.")
    moderator = User.objects.create_superuser("moderator")
    moderation.flag(talk.id, actor=moderator, reason="other")
    assert listed(client) == [later.id, talk.id]


def test_filters(client: Client, owner: User, talk: Talk) -> None:
    chinese = Talk(str(owner.pk), language="zh-TW", voice="kokoro-xiaoxiao").say("你好。")
    assert listed(client, "/history?language=zh-TW") == [chinese.id]
    assert listed(client, "/history?voice=hibari-en") == [talk.id]
    assert listed(client, "/history?voice=hibari-en&language=zh-TW") == []
    today = timezone.localdate()
    assert listed(client, f"/history?since={today}&until={today}") == [chinese.id, talk.id]
    assert listed(client, f"/history?since={today + timedelta(days=1)}") == []
    assert listed(client, f"/history?until={today - timedelta(days=1)}") == []
    assert listed(client, "/history?since=nonsense") == [chinese.id, talk.id]
    page = body(client, "/history?language=zh-TW")
    assert '<option value="zh-TW" selected>中文（台灣）</option>' in page


def test_search_shows_where_it_was_said(client: Client, talk: Talk) -> None:
    page = body(client, "/history?q=天氣")
    assert "<mark>天氣</mark>怎麼樣？" in page
    assert f'href="/history/{talk.id}?turn=2#turn-2"' in page
    assert "Nothing like that was said." in body(client, "/history?q=elephant")
    assert "&lt;b&gt;" in body(client, "/history?q=<b>")


def test_pages_of_the_list_go_on_without_gap_or_repetition(client: Client, owner: User) -> None:
    fill(conversations=95, turns=1, owner_ids=[str(owner.pk)])
    moment = timezone.now()
    Conversation.objects.filter(id__in=Conversation.objects.values("id")[:50]).update(updated_at=moment)
    seen: list[str] = []
    path = "/history"
    for _ in range(3):
        page = body(client, path)
        seen += listed(client, path)
        following = re.search(r'href="(\?before=[^"]+)" rel="next"', page)
        path = f"/history{following[1]}" if following else ""
    assert path == ""
    assert len(seen) == len(set(seen)) == 95
    assert client.get("/history?before=nonsense").status_code == 400


@pytest.mark.parametrize("path", ["/history", "/history?q=weather", "/history?q=天氣&language=zh-TW"])
def test_a_page_takes_as_many_queries_for_many_conversations_as_for_few(client: Client, owner: User, path: str) -> None:
    counts = []
    for conversations in (45, 100):
        fill(conversations=conversations, turns=2, owner_ids=[str(owner.pk)], seed=conversations)
        search.catch_up()
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 24


def test_a_stranger_is_asked_to_sign_in(settings: object, talk: Talk) -> None:
    settings.GUESTS_ADMITTED = False  # type: ignore[attr-defined]
    for path in ("/history", f"/history/{talk.id}", f"/history/{talk.id}/export/json"):
        assert Client().get(path).headers["Location"].startswith("/accounts/login/")


def test_a_guest_has_a_history(settings: object) -> None:
    settings.GUESTS_ADMITTED = True  # type: ignore[attr-defined]
    client = Client(SERVER_NAME="127.0.0.1")
    client.get("/history")
    guest = User.objects.get(is_guest=True)
    talk = Talk(str(guest.pk)).say("A guest's words.")
    assert listed(client) == [talk.id]
