"""Readers that follow the log take each event, in order, and go on where they were."""

import base64
import json
from collections.abc import Sequence

import pytest

from conversations import following
from conversations.log.models import Event
from conversations.log.types import RecordedEvent
from conversations.models import Checkpoint, FlagRule
from tests.conversations.log_helpers import append, execute, noted, said, triggers_off

pytestmark = pytest.mark.django_db(transaction=True)
TYPES = ("test.said",)


def taken_by(name: str) -> list[str]:
    texts: list[str] = []
    following.follow(name, lambda events: texts.extend(event.payload["text"] for event in events), types=TYPES)
    return texts


def test_each_reader_takes_everything_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "WINDOW", 2)
    for number in range(5):
        append(f"test-{number % 2}", said(str(number)), noted())
    assert taken_by("a") == ["0", "1", "2", "3", "4"]
    assert taken_by("a") == []
    append("test-0", noted())
    append("test-1", said("5"))
    assert taken_by("a") == ["5"]
    assert taken_by("b") == ["0", "1", "2", "3", "4", "5"]


def test_events_of_other_types_move_the_checkpoint_on() -> None:
    append("test-1", noted(), noted())
    assert taken_by("a") == []
    assert following.checkpoint("a") == 2


def test_what_fails_is_taken_again() -> None:
    append("test-1", said("one"))

    def fails(_: Sequence[RecordedEvent]) -> None:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - any
        following.follow("a", fails, types=TYPES)
    assert taken_by("a") == ["one"]


def test_in_one_transaction_what_was_written_goes_with_the_checkpoint() -> None:
    append("test-1", said("one"))

    def overtaken(_: Sequence[RecordedEvent]) -> None:
        FlagRule.objects.create(name="written", expression="x")
        Checkpoint.objects.update_or_create(name="a", defaults={"position": 99})

    with pytest.raises(following.Overtaken):
        following.follow("a", overtaken, types=TYPES, in_one_transaction=True)
    assert not FlagRule.objects.exists()
    assert following.checkpoint("a") == 0


def test_a_long_way_is_gone_in_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "WINDOW", 1)
    append("test-1", said("one"))
    append("test-1", said("two"))
    assert following.follow("a", lambda _: None, types=TYPES, for_s=0) == 1
    assert taken_by("a") == ["two"]


def test_one_whose_words_are_damaged_stops_nobody() -> None:
    append("test-1", said("one"))
    append("test-1", said("two"))
    first = Event.objects.get(sequence=1)
    payload = json.loads(first.payload)
    payload["sealed"]["box"] = base64.b64encode(bytes(60)).decode()
    with triggers_off():
        execute("UPDATE log_event SET payload = %s WHERE position = %s", json.dumps(payload), first.position)
    seen: list[tuple[bool, str]] = []
    following.follow(
        "a", lambda events: seen.extend((e.redacted, e.payload.get("text", "")) for e in events), types=TYPES
    )
    assert seen == [(True, ""), (False, "two")]
