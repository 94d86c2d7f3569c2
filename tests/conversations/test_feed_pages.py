"""The feed page by page: one's own events, or everybody's, each once, with the words that one may read."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.events import ConversationHidden, FlagRaised
from conversations.feed import page as feed
from conversations.log import keys, store
from conversations.log.eventlog import event_log
from conversations.streams import stream_of
from tests.conversations.api_helpers import client_of, person, record, talk

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/events/"


def positions(body: dict[str, Any]) -> list[int]:
    return [event["position"] for event in body["events"]]


def test_ones_own_events_in_order_with_their_words() -> None:
    ada = person("ada")
    conversation = talk(ada, ("Good morning!", "Hello."))
    talk(person("eve"), ("Secret.", "Hush."))
    body = client_of(ada).get(URL).json()
    assert [event["conversation_id"] for event in body["events"]] == [conversation] * len(body["events"])
    assert positions(body) == sorted(positions(body))
    texts = [event["payload"]["text"] for event in body["events"] if "text" in event["payload"]]
    assert texts == ["Good morning!", "Hello.", "Hello. And more.", "Hello."]
    assert "Secret" not in str(body)
    assert (body["more"], body["latest"]) == (False, store.last_position())
    assert body["next_after"] == body["latest"]
    event = next(event for event in body["events"] if event["type"] == "user.transcribed")
    assert (event["turn_id"], event["session_id"], event["actor"], event["words"]) == ("turn_1", "s", "a", "included")


def test_page_after_page_gives_each_event_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LOOK_AT", 5)
    monkeypatch.setattr(feed, "LOOK_AT_MOST", 12)
    ada, eve = person("ada"), person("eve")
    for _ in range(4):
        talk(ada)
        talk(eve)
        talk(eve)
    client = client_of(ada)
    whole = positions(client.get(URL, {"limit": 500}).json())
    after, seen, pages = 0, list[int](), 0
    while True:
        body = client.get(URL, {"after": after, "limit": 3}).json()
        seen += positions(body)
        after, pages = body["next_after"], pages + 1
        if not body["more"]:
            break
    assert after == store.last_position()
    monkeypatch.undo()
    whole = positions(client.get(URL, {"limit": 500}).json())
    assert seen == whole
    assert len(seen) == 4 * 9
    assert pages > len(seen) // 3


def test_everybodys_events_take_a_permission() -> None:
    ada, eve = person("ada"), person("eve", "read_feed")
    talk(ada, ("Good morning!", "Hello."))
    assert client_of(ada).get(URL, {"everybody": "true"}).status_code == 403
    body = client_of(eve).get(URL, {"everybody": "true"}).json()
    assert positions(body) == list(range(1, store.last_position() + 1))
    assert "morning" not in str(body)
    heard = next(event for event in body["events"] if event["type"] == "reply.heard")
    assert (heard["words"], "text" in heard["payload"], heard["payload"]["audio_ms"]) == ("withheld", False, 900)


def test_words_of_others_take_another_permission() -> None:
    talk(person("ada"), ("Good morning!", "Hello."))
    body = client_of(person("eve", "read_feed", "read_words")).get(URL, {"everybody": "true"}).json()
    assert "Good morning!" in str(body)


def test_erased_words_are_absent() -> None:
    ada = person("ada")
    conversation = talk(ada, ("Good morning!", "Hello."), ("And you?", "Well."))
    event_log().write_now(lambda: keys.destroy(stream_of(conversation), "turn_1"))
    body = client_of(ada).get(URL).json()
    said = [event for event in body["events"] if event["type"] == "user.transcribed"]
    assert [event["words"] for event in said] == ["erased", "included"]
    assert "text" not in said[0]["payload"]
    assert "morning" not in str(body)
    assert said[1]["payload"]["text"] == "And you?"


def test_what_moderators_think_is_not_for_the_owner() -> None:
    ada = person("ada")
    conversation = talk(ada)
    record(conversation, "", FlagRaised(flag_id="f1", reason="hate", note="look at this"))
    body = client_of(ada).get(URL).json()
    assert "flag.raised" not in str(body)
    everybody = client_of(person("eve", "read_feed")).get(URL, {"everybody": "true"}).json()
    assert "flag.raised" in str(everybody)
    assert "look at this" not in str(everybody)
    moderator = client_of(person("mod", "read_feed", "read_words")).get(URL, {"everybody": "true"}).json()
    assert "look at this" in str(moderator)


def test_a_hidden_conversation_is_out_of_sight() -> None:
    ada = person("ada")
    talk(ada)
    hidden = talk(ada)
    record(hidden, "", ConversationHidden(hidden=True, reason="legal"))
    body = client_of(ada).get(URL).json()
    assert hidden not in {event["conversation_id"] for event in body["events"]}
    assert body["next_after"] == store.last_position()


def test_another_log_is_noticed() -> None:
    answer = client_of(person("ada")).get(URL, {"after": 10})
    assert answer.status_code == 400
    assert "not the log you followed" in answer.json()["detail"]


@pytest.mark.parametrize(
    "wrong", [{"after": "-1"}, {"after": "x"}, {"limit": "0"}, {"limit": "501"}, {"everybody": "?"}]
)
def test_wrong_parameters_are_named(wrong: dict[str, str]) -> None:
    answer = client_of(person("ada")).get(URL, wrong)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == list(wrong)


def test_it_takes_a_scope() -> None:
    assert client_of(person("ada"), "conversations:read").get(URL).status_code == 403


def test_the_number_of_queries_does_not_grow() -> None:
    ada = person("ada")
    client = client_of(ada)
    counts = []
    for conversations in (1, 20):
        for _ in range(conversations):
            talk(ada, ("One.", "Two."), ("Three.", "Four."))
        client.get(URL)
        with CaptureQueriesContext(connection) as queries:
            client.get(URL, {"limit": 400})
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 7
