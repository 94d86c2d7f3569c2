"""Figures of many turns: percentiles, counts and errors, over all and by day."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from conversations.events import ReplyFailed, ReplyFinished, ReplyStarted, TurnMeasured, UserWrote
from conversations.models import Conversation, Turn
from conversations.reading.statistics import statistics
from tests.conversations.api_helpers import client_of, person, record, started

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/statistics/"


def measured(owner: Any, *first_audio_ms: float | None) -> None:
    conversation = started(owner)
    for number, value in enumerate(first_audio_ms):
        facts = UserWrote(item_id=f"u{number}", text="x"), ReplyStarted(response_id=f"r{number}")
        if value is None:
            failed = ReplyFailed(response_id=f"r{number}", code="engine_unavailable", message="gone")
            ended = failed, ReplyFinished(response_id=f"r{number}", status="failed")
            record(conversation, f"t{number}", *facts, *ended)
        else:
            ended_ = ReplyFinished(response_id=f"r{number}", status="completed")
            record(conversation, f"t{number}", *facts, ended_, TurnMeasured(response_id="r", first_audio_ms=value))


def test_percentiles_counts_and_errors() -> None:
    ada = person("ada")
    measured(ada, *map(float, range(100, 201)), None)
    measured(person("eve"), 9000.0)
    body = client_of(ada).get(URL).json()
    total = body["total"]
    assert (body["conversations"], body["sessions"]) == (1, 1)
    assert (total["turns"], total["completed"], total["failed"]) == (102, 101, 1)
    assert total["errors"] == {"engine_unavailable": 1}
    assert total["latency"]["first_audio_ms"] == {"n": 101, "p50_ms": 150.0, "p95_ms": 195.0}
    assert total["latency"]["endpoint_ms"] is None
    assert [day["figures"] for day in body["days"]] == [total]


def test_who_spoke_by_engine_and_whether_cloned() -> None:
    ada = person("ada")
    conversation = started(ada)
    for number, (engine, cloned, ms) in enumerate(
        (("hibari", False, 100.0), ("hibari", False, 300.0), ("f5", True, 900.0), ("", False, 50.0))
    ):
        answered = ReplyStarted(response_id=f"r{number}"), ReplyFinished(response_id=f"r{number}", status="completed")
        took = TurnMeasured(response_id="r", first_audio_ms=ms, engine=engine, cloned=cloned, quality="fast")
        record(conversation, f"t{number}", UserWrote(item_id=f"u{number}", text="x"), *answered, took)
    spoken = client_of(ada).get(URL).json()["spoken"]
    assert [(one["engine"], one["cloned"], one["turns"]) for one in spoken] == [("f5", True, 1), ("hibari", False, 2)]
    assert spoken[1]["first_audio_ms"] == {"n": 2, "p50_ms": 200.0, "p95_ms": 290.0}
    turns = client_of(ada).get(f"/api/conversations/{conversation}/").json()["turns"]
    assert [turn["reply"]["speech_engine"] for turn in turns] == ["hibari", "hibari", "f5", ""]
    assert [turn["reply"]["cloned"] for turn in turns] == [False, False, True, False]


def test_by_day_in_the_servers_time_zone(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Taipei"
    ada = person("ada")
    measured(ada, 100.0, 200.0, 300.0)
    # 23:59 and 00:01 in Taipei, and a day later.
    moments = [datetime(2026, 3, *moment, tzinfo=UTC) for moment in ((1, 15, 59), (1, 16, 1), (3, 4, 0))]
    for turn, moment in zip(Turn.objects.order_by("number"), moments, strict=True):
        Turn.objects.filter(pk=turn.pk).update(started_at=moment)
    found = statistics(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC), owner_id=str(ada.pk))
    days = [(day.day, day.figures.latency["first_audio_ms"].p50_ms) for day in found.days]  # type: ignore[union-attr]
    assert days == [(date(2026, 3, 1), 100.0), (date(2026, 3, 2), 200.0), (date(2026, 3, 3), 300.0)]


def test_everybodys_take_a_permission() -> None:
    ada, eve = person("ada"), person("eve", "read_statistics")
    measured(ada, 100.0)
    assert client_of(ada).get(URL, {"everybody": "true"}).status_code == 403
    client = client_of(eve)
    assert client.get(URL).json()["total"]["turns"] == 0
    assert client.get(URL, {"everybody": "true"}).json()["total"]["turns"] == 1


def test_a_span_is_at_most_a_year() -> None:
    client = client_of(person("ada"))
    until = "2026-03-01T00:00:00Z"
    assert client.get(URL, {"until": until, "since": "2025-03-01T00:00:00Z"}).status_code == 200
    for since in ("2025-02-01T00:00:00Z", until, "2026-04-01T00:00:00Z", "then"):
        assert client.get(URL, {"until": until, "since": since}).status_code == 400


def test_days_that_no_calendar_reckons_with_are_refused() -> None:
    client = client_of(person("ada"))
    for until in ("0001-01-01T00:00:00Z", "0001-01-20T00:00:00Z", "9999-12-31T23:59:59Z"):
        assert client.get(URL, {"until": until}).status_code == 400
    edge = {"since": "9999-12-31T00:00:00Z", "until": "9999-12-31T23:59:59Z"}
    assert client.get(URL, edge).json()["code"] == "invalid"
    for name in ("since", "until"):
        for day in ("0001-01-01", "1969-12-31", "9001-01-01", "9999-12-31"):
            assert client.get("/api/conversations/search/", {"q": "x", name: day}).status_code == 400
        assert client.get("/api/conversations/search/", {"q": "x", name: "9000-12-31"}).status_code == 200


@pytest.mark.scale
def test_it_is_quick_with_100_000_turns(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    owner = get_user_model().objects.create_user("ada")
    now, chance = timezone.now(), np.random.default_rng(1)
    conversation = Conversation.objects.create(
        id="0198a000-0000-7000-8000-000000000001", owner=owner, started_at=now, updated_at=now, sequence=1
    )
    Turn.objects.bulk_create(
        (
            Turn(
                conversation=conversation,
                turn_id=f"t{number}",
                number=number,
                started_at=now - timedelta(seconds=20 * number),
                status="completed",
                endpoint_ms=ms * 0.5,
                transcript_ms=ms * 0.6,
                first_token_ms=ms * 0.7,
                first_sentence_ms=ms * 0.8,
                first_audio_ms=ms,
                model_ms=ms * 0.4,
            )
            for number, ms in enumerate(map(float, chance.lognormal(6.3, 0.4, 100_000)), start=1)
        ),
        batch_size=2000,
    )
    began = time.perf_counter()
    with django_assert_num_queries(3):
        found = statistics(now - timedelta(days=30), now, owner_id=str(owner.pk))
    took_s = time.perf_counter() - began
    assert found.total.turns == 100_000
    assert len(found.days) in {24, 25}
    # About half a second alone; here other tests run beside it.
    assert took_s < 5
    print(f"100,000 turns in {took_s:.2f} s")
