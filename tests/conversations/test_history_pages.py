"""The pages of the history over HTTP: what a person sees of their own, and nobody else's."""

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from avatar_project.models import User
from conversations import search
from conversations.log.errors import LogBusy
from conversations.models import Conversation, Turn
from conversations.services import erasure, moderation, titles
from inference.types import VoiceInfo
from tests.conversations.fill import fill
from tests.conversations.talks import Said, Talk
from tests.voices import making

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def talk(owner: User) -> Talk:
    return Talk(str(owner.pk)).say(
        Said("How is the weather?", "It is warm. It will rain.", heard="It is warm."),
        Said("天氣怎麼樣？", "很熱。", language="zh"),
    )


def body(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def listed(client: Client, path: str = "/history") -> list[str]:
    """The ids of the conversations on a page of the list."""
    return re.findall(r'row-link" href="/history/([0-9a-f-]{36})"', body(client, path))


def test_a_borrowed_voice_is_told_by_its_name_and_not_by_its_id(client: Client, owner: User) -> None:
    voice = making.usable(owner, "Grandmother")
    gone = making.usable(making.person("eve"), "Not for Ada")
    talks = [Talk(str(owner.pk), voice=name).say(Said("Hello.", "Good day.")) for name in (voice, gone, "self")]
    page = body(client, "/history")
    assert "Grandmother" in page
    assert "a voice that is gone" in page
    assert "your own voice" in page
    assert "Not for Ada" not in page
    for talk, told in zip(talks, ("Grandmother", "a voice that is gone", "your own voice"), strict=True):
        page = body(client, f"/history/{talk.id}")
        assert page.count(f"<span>{told}</span>") == 2, "of the conversation and of its turn"
        assert f"<span>{talk.voice}</span>" not in page
    assert listed(client, f"/history?voice={voice}") == [talks[0].id]


def test_a_built_in_voice_is_told_as_the_settings_tell_it(
    client: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = [("hibari-us", "Heart", "hibari"), ("af_heart", "Heart", "kokoro"), ("zf_xiaobei", "Xiaobei", "kokoro")]
    presets = tuple(VoiceInfo(id=voice, name=name, languages=("en",), engine=engine) for voice, name, engine in offered)
    monkeypatch.setattr("voices.presets.all_presets", lambda: presets)
    for voice, told in (("hibari-us", "Heart (hibari)"), ("zf_xiaobei", "Xiaobei"), ("one-that-is-gone",) * 2):
        talk = Talk(str(owner.pk), voice=voice).say(Said("Hello.", "Good day."))
        assert body(client, f"/history/{talk.id}").count(f"<span>{told}</span>") == 2, (
            "of the conversation and of its turn"
        )
        assert f'<option value="{voice}">{told}</option>' in body(client, "/history")


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


def test_a_conversation_takes_as_many_queries_for_many_turns_as_for_few(client: Client, owner: User) -> None:
    counts = []
    for turns in (2, 40):
        talk = Talk(str(owner.pk)).say(*(Said(f"Question {number}?", "Answer.") for number in range(turns)))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/history/{talk.id}").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 18


def test_a_conversation_tells_heard_from_generated(client: Client, talk: Talk) -> None:
    page = body(client, f"/history/{talk.id}")
    assert '<p class="line-words">It is warm.<span class="line-cut">stopped</span></p>' in page
    assert re.search(r"<summary>Generated, but not heard</summary>\s*<p>It will rain\.</p>", page)
    assert "0.48 s" in page
    assert page.count('class="turn"') == 2


def test_a_long_conversation_has_pages(client: Client, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.history_pages.views.TURNS", 3)
    talk = Talk(str(owner.pk)).say(*(f"Question {number}?" for number in range(1, 8)))
    page = body(client, f"/history/{talk.id}?turn=5")
    assert re.findall(r'id="turn-(\d+)"', page) == ["4", "5", "6"]
    assert "?turn=1" in page
    assert "?turn=7" in page
    assert "<h1>Question 1?</h1>" in page


def test_rename(client: Client, talk: Talk) -> None:
    assert client.post(f"/history/{talk.id}/title", {"title": "Taipei"}).status_code == 302
    assert "<h1>Taipei</h1>" in body(client, f"/history/{talk.id}")
    client.post(f"/history/{talk.id}/title", {"title": "x" * 200})
    assert "A title has at most" in body(client, f"/history/{talk.id}")


def test_fork_leads_to_the_chat_that_goes_on_with_it(client: Client, talk: Talk) -> None:
    answer = client.post(f"/history/{talk.id}/fork", {"turn": talk.turn_ids[0]})
    path, _, forked = unquote(answer.headers["Location"]).partition("?conversation=")
    assert path == "/chat"
    told = client.get(f"/history/{forked}/lines").json()
    assert [(line["role"], line["text"], line["complete"]) for line in told["lines"]] == [
        ("user", "How is the weather?", True),
        ("assistant", "It is warm.", False),
    ]
    assert told["sequence"] == Conversation.objects.get(id=forked).sequence
    assert f'href="/history/{talk.id}">Forked from another conversation' in body(client, f"/history/{forked}")
    client.post(f"/history/{talk.id}/erase")
    assert "Forked from another conversation" not in body(client, f"/history/{forked}")


def test_earlier_lines_name_their_recordings(client: Client, owner: User) -> None:
    talk = Talk(str(owner.pk), sound=b"a sound").say(Said("One?", "It is one."), Said("Two?", "Not heard.", heard=""))
    lines = client.get(f"/history/{talk.id}/lines").json()["lines"]
    assert [(line["id"], line["recording"]) for line in lines] == [
        ("u1", f"/history/{talk.id}/turns/1/user/audio"),
        ("a1", f"/history/{talk.id}/turns/1/reply/audio"),
        ("u2", f"/history/{talk.id}/turns/2/user/audio"),
    ]


def test_odd_requests_do_no_harm(client: Client, talk: Talk) -> None:
    for query in ("q=%00", "q=%F0%9F%98%80", "voice=%00", "language=%00x", "until=9999-12-31", "since=0001-01-01"):
        assert client.get(f"/history?{query}").status_code == 200, query
    for query in ("before=-1", "before=99999999999999999999"):
        assert client.get(f"/history?q=x&{query}").status_code == 200, query
    assert client.get("/history?before=MjAyNi0wMS0wMVQwMDowMDowMHx4").status_code == 400
    assert client.get(f"/history/{talk.id}?turn=99999").status_code == 200
    assert client.post(f"/history/{talk.id}/fork", {"turn": "\x00nowhere"}).status_code == 302
    assert Conversation.objects.count() == 1


def test_erasing_asks_first(client: Client, talk: Talk) -> None:
    assert "Erase this conversation?" in body(client, f"/history/{talk.id}/erase")
    assert listed(client) == [talk.id]
    answer = client.post(f"/history/{talk.id}/erase")
    assert answer.headers["Location"] == "/history?erased"
    assert "The conversation was erased." in body(client, "/history?erased")
    assert client.get(f"/history/{talk.id}").status_code == 404


def test_erasing_a_turn_asks_first(client: Client, talk: Talk) -> None:
    assert "Erase turn 1?" in body(client, f"/history/{talk.id}/turns/1/erase")
    client.post(f"/history/{talk.id}/turns/1/erase")
    page = body(client, f"/history/{talk.id}")
    assert "Turn 1 was taken away" in page
    assert "weather" not in page
    assert Turn.objects.get(conversation__id=talk.id, number=1).redacted
    assert client.get(f"/history/{talk.id}/turns/1/erase").status_code == 404


def test_a_log_that_does_not_answer_is_told(client: Client, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise LogBusy("Too many are waiting for the log: try again.")

    monkeypatch.setattr(erasure, "erase_conversation", busy)
    answer = client.post(f"/history/{talk.id}/erase", follow=True)
    assert "Too many are waiting for the log: try again." in answer.content.decode()
    assert listed(client) == [talk.id]


def test_changes_need_the_forms_token(owner: User, talk: Talk) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    for path in ("title", "fork", "erase", "turns/1/erase"):
        assert client.post(f"/history/{talk.id}/{path}").status_code == 403
    assert Conversation.objects.count() == 1
    for path in ("title", "fork"):
        assert client.get(f"/history/{talk.id}/{path}").status_code == 405


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


@pytest.mark.parametrize(("stored", "lang"), [("zh", "zh-Hant"), ("zh-CN", "zh-CN"), ("en", "en")])
def test_words_say_their_characters_to_the_browser(client: Client, owner: User, stored: str, lang: str) -> None:
    talk = Talk(str(owner.pk)).say(Said("天氣怎麼樣？", "很熱。", language=stored))
    assert f'<p class="line-words" lang="{lang}">' in body(client, f"/history/{talk.id}")


@pytest.mark.parametrize("path", ["/history", "/history?q=天氣", "/history/{id}", "/history/{id}/erase"])
def test_it_speaks_the_readers_language_without_inline_scripts(client: Client, talk: Talk, path: str) -> None:
    titles.rename(talk.id, "<script>alert(1)</script>", actor=User.objects.get(username="ada"))
    answer = client.get(path.format(id=talk.id), headers={"accept-language": "zh-TW"})
    page = answer.content.decode()
    assert '<html lang="zh-Hant">' in page
    assert "歷史記錄" in page
    assert "style=" not in page
    assert "alert(1)" not in page or "&lt;script&gt;" in page
    assert "<script>" not in page
