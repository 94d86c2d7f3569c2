"""The page of a conversation in one's history: what was said, in whose voice, and what can be done with it."""

import re
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from avatar_project.models import User
from conversations.log.errors import LogBusy
from conversations.models import Conversation, Turn
from conversations.services import erasure, titles
from inference.types import VoiceInfo
from tests.conversations.history_read import body, listed
from tests.conversations.history_read import client as client  # noqa: PLC0414  (a fixture)
from tests.conversations.history_read import owner as owner  # noqa: PLC0414  (a fixture)
from tests.conversations.history_read import talk as talk  # noqa: PLC0414  (a fixture)
from tests.conversations.talks import Said, Talk
from tests.voices import making

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_borrowed_voice_is_told_by_its_name_and_not_by_its_id(client: Client, owner: User) -> None:
    voice = making.usable(owner, "Grandmother")
    gone = making.usable(making.person("eve"), "Not for Ada")
    talks = [Talk(str(owner.pk), voice=name).say(Said("Hello.", "Good day.")) for name in (voice, gone, "self")]
    page = body(client, "/history")
    assert "Grandmother" in page
    assert "a voice that is gone" in page
    assert "your own voice" in page
    assert "Not for Ada" not in page
    for spoken, told in zip(talks, ("Grandmother", "a voice that is gone", "your own voice"), strict=True):
        page = body(client, f"/history/{spoken.id}")
        assert page.count(f"<span>{told}</span>") == 2, "of the conversation and of its turn"
        assert f"<span>{spoken.voice}</span>" not in page
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
