"""verify_chain names what was done to the database file behind the log's back."""

import io
import re

import pytest
from django.core.management import CommandError, call_command

from conversations.log.chain import compute_hash
from conversations.log.models import Event
from conversations.log.verify import verify
from tests.conversations.log_helpers import append, execute, noted, said, triggers_off

pytestmark = pytest.mark.django_db(transaction=True)

A = "conversation-0198a000-0000-7000-8000-00000000000a"
B = "test-b"


@pytest.fixture(autouse=True)
def _recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positions 1..8: A1 A2 B1 A3 A4 B2 A5 B3."""
    monkeypatch.setattr("conversations.log.projectors._projectors", {})
    append(A, said("one"), noted(2))
    append(B, noted(1))
    append(A, said("three", turn="turn-2"), noted(4))
    append(B, noted(2))
    append(A, noted(5))
    append(B, noted(3))


def _tamper(*statements: str) -> None:
    with triggers_off():
        for statement in statements:
            assert execute(statement) > 0, "the tampering must have changed something"


def _end_at(stream: str, sequence: int, position: int) -> str:
    return (
        f"UPDATE log_head SET sequence = {sequence}, hash = (SELECT hash FROM log_event WHERE position = {position}) "
        f"WHERE stream = '{stream}'"
    )


def _found(stream: str | None = None) -> list[tuple[str, int, str]]:
    return [(found.stream, found.sequence, found.what) for found in verify(stream).breaks]


def test_an_untouched_log_holds() -> None:
    verdict = verify()
    assert (verdict.events, verdict.streams, verdict.breaks) == (8, 2, [])
    out = io.StringIO()
    call_command("verify_chain", stdout=out)
    assert "8 events in 2 streams" in out.getvalue()
    call_command("verify_chain", A.removeprefix("conversation-"), stdout=out)
    assert "5 events in 1 streams" in out.getvalue()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payload", "'{}'"),
        ("metadata", "'{}'"),
        ("type", "'other'"),
        ("version", "2"),
        ("recorded_at", "'2020-01-01 00:00:00'"),
        ("event_id", "'00000000000000000000000000000001'"),
        ("idempotency_key", "'new'"),
        ("hash", "'" + "a" * 64 + "'"),
    ],
)
def test_a_changed_row_is_named(column: str, value: str) -> None:
    _tamper(f"UPDATE log_event SET {column} = {value} WHERE position = 4")
    assert _found() == [(A, 3, "its content is not what was recorded")]
    assert _found(A) == _found()
    assert _found(B) == []


def test_a_changed_row_with_a_fresh_hash_breaks_the_link_after_it() -> None:
    _tamper("UPDATE log_event SET payload = '{}' WHERE position = 4")
    forged = compute_hash(Event.objects.get(position=4))
    _tamper(f"UPDATE log_event SET hash = '{forged}' WHERE position = 4")
    [(stream, sequence, what)] = _found(A)
    assert (stream, sequence) == (A, 4)
    assert "does not follow" in what


def test_a_rewritten_last_event_is_not_the_recorded_end() -> None:
    _tamper("UPDATE log_event SET payload = '{}' WHERE position = 7")
    forged = compute_hash(Event.objects.get(position=7))
    _tamper(f"UPDATE log_event SET hash = '{forged}' WHERE position = 7")
    assert _found(A) == [(A, 5, "it is not the event that was recorded as the last")]


def test_a_missing_row_is_named() -> None:
    _tamper("DELETE FROM log_event WHERE position = 4")
    assert _found(A) == [(A, 4, "sequence 3 before this event is missing")]
    assert ("", 0, "position 4 missing from the log") in _found()


def test_a_missing_tail_is_named() -> None:
    _tamper("DELETE FROM log_event WHERE position IN (5, 7)")
    assert _found(A) == [(A, 4, "the tail is missing: sequences 4 to 5")]


def test_a_missing_tail_shows_by_its_positions_when_the_recorded_end_was_changed_too() -> None:
    _tamper(
        "DELETE FROM log_event WHERE position = 7",
        _end_at(A, 4, position=5),
    )
    assert _found() == [("", 0, "position 7 missing from the log")]


def test_a_missing_end_of_the_whole_log_shows() -> None:
    _tamper(
        "DELETE FROM log_event WHERE position >= 7",
        _end_at(A, 4, position=5),
        _end_at(B, 2, position=6),
    )
    assert _found() == [("", 0, "positions 7 to 8 missing from the log")]


def test_a_missing_end_of_the_whole_log_shows_also_after_more_was_appended() -> None:
    _tamper("DELETE FROM log_event WHERE position >= 7", _end_at(A, 4, position=5), _end_at(B, 2, position=6))
    append(A, noted(1), noted(2))
    assert _found() == [("", 0, "positions 7 to 8 missing from the log")]


def test_a_stream_that_is_gone_is_missed() -> None:
    _tamper(f"DELETE FROM log_event WHERE stream = '{B}'")
    assert (B, 1, "the tail is missing: sequences 1 to 3") in _found()


def test_a_removed_end_mark_shows() -> None:
    _tamper(f"DELETE FROM log_head WHERE stream = '{B}'")
    assert _found() == [(B, 3, "the recorded end of the stream is missing or older than this event")]


def test_swapped_events_show() -> None:
    _tamper(
        "UPDATE log_event SET sequence = 99 WHERE position = 4",
        "UPDATE log_event SET sequence = 3 WHERE position = 5",
        "UPDATE log_event SET sequence = 4 WHERE position = 4",
    )
    assert [found[:2] for found in _found(A)] == [(A, 4)]


def test_the_command_names_the_break_and_fails() -> None:
    _tamper("UPDATE log_event SET payload = '{}' WHERE position = 4")
    err = io.StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("verify_chain", stderr=err, stdout=io.StringIO())
    assert failure.value.returncode == 1
    assert re.search(r"BROKEN conversation 0198a000\S+, event 3 \(position 4\): its content", err.getvalue())


def test_the_command_knows_no_other_conversation() -> None:
    with pytest.raises(CommandError, match="no conversation"):
        call_command("verify_chain", "0198a000-0000-7000-8000-0000000000ff")
