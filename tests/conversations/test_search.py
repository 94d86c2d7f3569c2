"""Search over what was said: it finds, it follows the log, and it is made anew from it."""

import io
import threading

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from conversations import schedules, search, tasks
from conversations.events import ReplyHeard, ReplySpoken
from conversations.history_tables import SearchDocument, SearchToken
from conversations.models import Turn
from conversations.projections import rebuild
from conversations.reading.listing import Filters
from conversations.services import titles
from conversations.streams import stream_of
from tests.conversations.searching import chinese as chinese  # noqa: PLC0414  (a fixture)
from tests.conversations.searching import found, index_check
from tests.conversations.searching import owner_id as owner_id  # noqa: PLC0414  (a fixture)
from tests.conversations.searching import weather as weather  # noqa: PLC0414  (a fixture)
from tests.conversations.talks import Said, Talk

pytestmark = pytest.mark.django_db(transaction=True)


def test_words_of_both_sides_are_found(owner_id: str, weather: Talk, chinese: Talk) -> None:
    assert found(owner_id, "weather") == [weather.id]
    assert found(owner_id, "umbrellas") == [weather.id]
    assert found(owner_id, "weather umbrella") == [weather.id]
    assert found(owner_id, '"until noon"') == [weather.id]
    assert found(owner_id, "weather sea") == []  # not in one turn
    assert found(owner_id, "elephant") == []
    assert found(owner_id, "?") == []


def test_two_characters_of_chinese_are_found(owner_id: str, weather: Talk, chinese: Talk) -> None:
    assert found(owner_id, "天氣") == [chinese.id]
    assert found(owner_id, "雨傘") == [chinese.id]
    assert found(owner_id, "天气") == [chinese.id]
    assert found(owner_id, "天氣雨傘") == []
    hit = search.find(owner_id, "天氣").hits[0]
    assert [segment.text for segment in hit.passages[0].excerpt if segment.hit] == ["天氣"]
    assert hit.passages[0].number == 1


def test_what_was_generated_and_not_heard_was_not_said(owner_id: str, weather: Talk) -> None:
    assert found(owner_id, "calm") == [weather.id]
    assert found(owner_id, "storms") == []


def test_another_persons_conversations_are_not_found(weather: Talk) -> None:
    other = str(get_user_model().objects.create_user(username="other").pk)
    mine = Talk(other).say("The weather is mine.")
    assert found(other, "weather") == [mine.id]


def test_filters_narrow_what_is_found(owner_id: str, weather: Talk, chinese: Talk) -> None:
    english = Talk(owner_id, voice="another").say("Nice weather.")
    assert found(owner_id, "weather") == [english.id, weather.id]
    assert found(owner_id, "weather", Filters(voice="another")) == [english.id]
    assert found(owner_id, "天氣", Filters(language="en")) == []
    assert found(owner_id, "天氣", Filters(language="zh-TW")) == [chinese.id]


def test_a_title_is_found(owner_id: str, weather: Talk) -> None:
    owner = get_user_model().objects.get(pk=owner_id)
    titles.rename(weather.id, "Trip to Kyoto", actor=owner)
    assert found(owner_id, "kyoto") == [weather.id]
    titles.rename(weather.id, "Trip to Osaka", actor=owner)
    assert found(owner_id, "kyoto") == []
    assert found(owner_id, "osaka") == [weather.id]
    titles.rename(weather.id, "", actor=owner)
    assert found(owner_id, "osaka") == []


def test_the_index_follows_the_log(owner_id: str, weather: Talk) -> None:
    assert found(owner_id, "weather") == [weather.id]
    weather.say("Is there a lighthouse?")
    assert found(owner_id, "lighthouse") == [weather.id]
    weather.record("late", ReplySpoken(response_id="r", item_id="a", index=0, text="Yes, with a keeper."))
    assert found(owner_id, "keeper") == [weather.id]
    cut = ReplyHeard(response_id="r", item_id="a", text="Yes,", audio_ms=300, source="client", complete=False)
    weather.record("late", cut)
    assert found(owner_id, "keeper") == []
    assert search.catch_up() == 0


def test_the_task_cluster_keeps_the_index_up_to_date(owner_id: str, weather: Talk) -> None:
    assert "conversations.tasks.catch_up_search" in {one.function for one in schedules.periodic()}
    assert tasks.catch_up_search() == "0 events still to go"
    assert SearchDocument.objects.count() == 2


def test_a_search_that_cannot_catch_up_in_time_says_so(
    owner_id: str, weather: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search.index, "_WINDOW", 2)
    monkeypatch.setattr(search.finding, "_PATIENCE_S", 0.0)
    assert search.find(owner_id, "weather").behind > 0
    search.catch_up()
    assert search.find(owner_id, "weather").behind == 0


def test_two_that_catch_up_at_once_leave_the_index_right(owner_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search.index, "_WINDOW", 5)
    for number in range(6):
        Talk(owner_id).say(Said(f"Question number {number}?", "The answer."))

    def work() -> None:
        try:
            search.catch_up()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert search.catch_up() == 0
    assert index_check() == []


def test_pages_go_on_where_the_last_ended_and_show_nothing_twice(owner_id: str) -> None:
    talks = [Talk(owner_id).say("The weather here.", f"Again the weather, number {number}.") for number in range(7)]
    wanted = [talk.id for talk in reversed(talks)]
    seen: list[str] = []
    before = 0
    for _ in range(4):
        page = search.find(owner_id, "weather", before=before, size=2)
        seen += [hit.conversation.conversation_id for hit in page.hits]
        before = page.older
    assert seen == wanted
    assert before == 0
    assert all(len(hit.passages) == 2 for hit in search.find(owner_id, "weather", size=2).hits)


def test_a_search_takes_as_many_queries_for_many_as_for_few(
    owner_id: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        Talk(owner_id).say(f"The weather, number {number}.")
    search.catch_up()
    with django_assert_max_num_queries(16):
        assert len(search.find(owner_id, "weather number").hits) == search.finding.PAGE


@pytest.mark.parametrize(
    "damage",
    [
        lambda: SearchToken.objects.filter(document=SearchDocument.objects.earliest("pk")).delete(),
        lambda: SearchDocument.objects.all().delete(),
        lambda: SearchToken.objects.create(token=1, document=SearchDocument.objects.earliest("pk")),
        lambda: SearchDocument.objects.filter(pk=SearchDocument.objects.earliest("pk").pk).update(turn_id="nowhere"),
    ],
)
def test_the_index_is_made_anew_from_the_record(owner_id: str, weather: Talk, chinese: Talk, damage: object) -> None:
    titles.rename(weather.id, "Trip to Kyoto", actor=get_user_model().objects.get(pk=owner_id))
    search.catch_up()
    assert index_check() == []
    assert callable(damage)
    damage()
    assert index_check()
    call_command("rebuild_search", stdout=io.StringIO(), stderr=io.StringIO())
    assert index_check() == []
    assert found(owner_id, "umbrella") == [weather.id]
    assert found(owner_id, "雨傘") == [chinese.id]
    assert found(owner_id, "kyoto") == [weather.id]


@pytest.mark.parametrize("damage", [b"short", None])
def test_damaged_words_of_one_turn_stop_nobody_and_a_rebuild_repairs_them(
    owner_id: str, weather: Talk, damage: bytes | None
) -> None:
    turn = Turn.objects.get(conversation_id=weather.id, number=1)
    sealed = bytes(turn.sealed_words or b"")
    Turn.objects.filter(pk=turn.pk).update(sealed_words=damage or sealed[:-1] + bytes([sealed[-1] ^ 1]))
    other = Talk(owner_id).say("An elephant.")
    assert search.catch_up() == 0
    assert found(owner_id, "elephant") == [other.id]
    assert found(owner_id, "umbrella") == []
    assert rebuild.rebuild(stream_of(weather.id)) == ["turn 1: the words differ"]
    assert rebuild.differences(stream_of(weather.id)) == []
