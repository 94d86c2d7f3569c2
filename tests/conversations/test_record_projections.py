"""Read models: written with each append, and equal when they are made anew from the log."""

import base64
import io
import json

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from conversations import selectors
from conversations.events import (
    ConversationStarted,
    Fact,
    ReplyFailed,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    ReplyStarted,
    SessionOpened,
    ToolCalled,
    TurnMeasured,
    UserSpoke,
    UserTranscribed,
    UserTranscriptionFailed,
    UserWrote,
)
from conversations.log import keys
from conversations.log.errors import WrongSequence
from conversations.log.eventlog import event_log
from conversations.log.models import Event
from conversations.log.types import Appended, Metadata
from conversations.models import Conversation, Turn
from conversations.record import new_event
from conversations.streams import stream_of
from tests.conversations.log_helpers import execute, stored_bytes, triggers_off

pytestmark = pytest.mark.django_db(transaction=True)

ONE = "0198a000-0000-7000-8000-000000000001"
TWO = "0198a000-0000-7000-8000-000000000002"


@pytest.fixture
def owner_id() -> str:
    return str(get_user_model().objects.create_user(username="owner").pk)


def record(conversation_id: str, turn_id: str, *facts: Fact, expected: int | None = None) -> Appended:
    events = [new_event(fact, Metadata(actor="a", session="s", correlation=turn_id)) for fact in facts]
    return event_log().append_now(stream_of(conversation_id), expected, events)


@pytest.fixture
def talked(owner_id: str) -> str:
    """Two conversations of one owner: a spoken turn cut by barge-in, a failed one, a typed one; and a short one."""
    started = ConversationStarted(owner=owner_id, language="en", voice="v")
    record(ONE, "", started, SessionOpened(session_id="s", voice="v2", language="en-GB"))
    record(ONE, "t1", UserSpoke(item_id="u1", audio_id="a" * 32, duration_ms=1200))
    record(
        ONE, "t1", UserTranscribed(item_id="u1", text="How is the weather?", language="en", confidence=0.5, model="w")
    )
    record(ONE, "t1", ReplyStarted(response_id="r1", model="m", voice="v2"))
    for index, text in enumerate(("It is warm.", "It will rain.")):
        record(ONE, "t1", ReplySpoken(response_id="r1", item_id="a1", index=index, text=text))
    generated = "It is warm. It will rain. Take an umbrella."
    record(
        ONE,
        "t1",
        ReplyGenerated(
            response_id="r1", item_id="a1", text=generated, finish_reason="stop", input_tokens=9, output_tokens=4
        ),
        ReplyHeard(
            response_id="r1",
            item_id="a1",
            text="It is",
            audio_ms=700,
            source="client",
            audio_id="b" * 32,
            complete=False,
        ),
        ReplyHeard(
            response_id="r1", item_id="a1", text="It is warm", audio_ms=900, source="playback_clock", complete=False
        ),
        ReplyFinished(response_id="r1", status="cancelled", reason="turn_detected"),
        TurnMeasured(response_id="r1", endpoint_ms=210.5, first_audio_ms=480.25, model_ms=300),
    )
    record(ONE, "t2", UserSpoke(item_id="u2", audio_id="c" * 32, duration_ms=300))
    record(ONE, "t2", UserTranscriptionFailed(item_id="u2", code="engine_unavailable", message="gone"))
    record(ONE, "t3", UserWrote(item_id="u3", text="Typed."), ReplyStarted(response_id="r3"))
    record(ONE, "t3", ToolCalled(response_id="r3", item_id="f1", call_id="c1", name="n", arguments="{}"))
    record(ONE, "t3", ReplyFailed(response_id="r3", code="empty", message="nothing", spoken="Sorry."))
    record(TWO, "", started)
    record(TWO, "t1", UserWrote(item_id="u1", text="Short."))
    return owner_id


def test_the_list_shows_an_owners_conversations_the_latest_first(talked: str) -> None:
    summaries = list(selectors.summaries(selectors.conversations_of(talked)[:10]))
    assert [(summary.conversation_id, summary.turn_count, summary.preview) for summary in summaries] == [
        (TWO, 1, "Short."),
        (ONE, 3, "How is the weather?"),
    ]
    assert (summaries[1].language, summaries[1].voice) == ("en-GB", "v2")
    other = get_user_model().objects.create_user(username="other")
    assert not selectors.conversations_of(str(other.pk)).exists()


def test_without_a_choice_the_language_first_understood_and_the_voice_first_heard_name_it(owner_id: str) -> None:
    record(ONE, "", ConversationStarted(owner=owner_id), SessionOpened(session_id="s"))
    record(
        ONE, "t1", UserTranscribed(item_id="u1", text="你好", language="zh"), ReplyStarted(response_id="r", voice="v")
    )
    record(ONE, "t2", UserTranscribed(item_id="u2", text="Hello", language="en"))
    conversation = Conversation.objects.get(id=ONE)
    assert (conversation.language, conversation.voice) == ("zh", "v")


def test_a_list_takes_three_queries_however_long(
    talked: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):
        assert len(list(selectors.summaries(selectors.conversations_of(talked)[:50]))) == 2


def test_a_turn_tells_generated_spoken_and_heard_apart(talked: str) -> None:
    view = selectors.read_conversation(talked, ONE)
    first, second, third = view.turns
    assert first.user_text == "How is the weather?"
    assert first.generated_text == "It is warm. It will rain. Take an umbrella."
    assert first.spoken_text == "It is warm. It will rain."
    assert first.heard_text == "It is"
    turn = first.turn
    assert (turn.status, turn.reason, turn.finish_reason) == ("cancelled", "turn_detected", "stop")
    assert (turn.heard_ms, turn.heard_source, turn.heard_complete) == (700, "client", False)
    assert (turn.user_audio_id, turn.user_audio_ms, turn.reply_audio_id) == ("a" * 32, 1200, "b" * 32)
    assert (turn.endpoint_ms, turn.transcript_ms, turn.first_audio_ms, turn.model_ms) == (210.5, None, 480.25, 300)
    assert (turn.language, turn.confidence, turn.stt_model, turn.chat_model) == ("en", 0.5, "w", "m")
    assert (turn.input_tokens, turn.output_tokens) == (9, 4)
    assert (second.turn.status, second.turn.error_code, second.user_text) == ("failed", "engine_unavailable", "")
    assert (third.turn.number, third.turn.error_code, third.user_text) == (3, "empty", "Typed.")


def test_the_words_are_nowhere_in_the_database_in_clear(talked: str) -> None:
    stored = stored_bytes()
    assert b"turn_detected" in stored
    for words in (b"weather", b"umbrella", b"Typed"):
        assert words not in stored


def test_a_refused_append_leaves_no_trace_in_the_read_models(talked: str) -> None:
    before = list(Turn.objects.values())
    with pytest.raises(WrongSequence):
        record(ONE, "t9", UserWrote(item_id="u9", text="never"), expected=1)
    assert list(Turn.objects.values()) == before


def test_erased_words_are_erased_here_too(talked: str) -> None:
    event_log().write_now(lambda: keys.destroy(stream_of(ONE), "t1"))
    first, _second, third = selectors.read_conversation(talked, ONE).turns
    assert (first.erased, first.user_text, first.heard_text) == (True, "", "")
    assert (third.erased, third.user_text) == (False, "Typed.")
    assert _check() == []
    _damage("DELETE FROM conversations_turn")
    call_command("rebuild_projections", stdout=io.StringIO(), stderr=io.StringIO())
    assert [view.user_text for view in selectors.read_conversation(talked, ONE).turns] == ["", "", "Typed."]


def _check() -> list[str]:
    """What ``rebuild_projections --check`` says; it fails when, and only when, it says something."""
    err = io.StringIO()
    status = 0
    try:
        call_command("rebuild_projections", "--check", stdout=io.StringIO(), stderr=err)
    except CommandError as failure:
        status = failure.returncode
    lines = err.getvalue().splitlines()
    assert status == bool(lines)
    return lines


def _damage(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            assert cursor.rowcount > 0


def test_what_stands_equals_the_log(talked: str) -> None:
    assert _check() == []


_ONE = ONE.replace("-", "")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE conversations_turn SET status = 'open' WHERE turn_id = 't1' AND number = 1", ["status differs"]),
        (
            "UPDATE conversations_turn SET first_audio_ms = 1 WHERE first_audio_ms > 1",
            ["turn 1: first_audio_ms differs"],
        ),
        ("UPDATE conversations_turn SET sealed_words = NULL WHERE turn_id = 't3'", ["turn 3: the words differ"]),
        ("DELETE FROM conversations_turn WHERE turn_id = 't3'", ["turn t3 is missing"]),
        (f"UPDATE conversations_conversation SET turn_count = 9 WHERE id = '{_ONE}'", ["turn_count differs"]),
        (f"UPDATE conversations_conversation SET sequence = 3 WHERE id = '{_ONE}'", ["sequence differs"]),
    ],
)
def test_a_difference_is_told_and_put_right(talked: str, statement: str, told: list[str]) -> None:
    before = selectors.read_conversation(talked, ONE)
    _damage(statement)
    lines = _check()
    assert lines
    assert any(line.endswith(told[0]) for line in lines)

    call_command("rebuild_projections", stdout=io.StringIO(), stderr=io.StringIO())

    assert _check() == []
    after = selectors.read_conversation(talked, ONE)
    assert [(view.turn.number, view.heard_text) for view in after.turns] == [
        (view.turn.number, view.heard_text) for view in before.turns
    ]


def test_everything_is_made_anew_from_the_log_alone(talked: str) -> None:
    before = _everything(talked)
    _damage(
        "DELETE FROM conversations_session", "DELETE FROM conversations_turn", "DELETE FROM conversations_conversation"
    )
    assert sorted(line.rpartition(": ")[2] for line in _check()) == ["the conversation is missing"] * 2

    call_command("rebuild_projections", stdout=io.StringIO(), stderr=io.StringIO())

    assert _everything(talked) == before
    assert _check() == []
    record(ONE, "t4", UserWrote(item_id="u4", text="It goes on."))
    assert selectors.read_conversation(talked, ONE).turns[3].user_text == "It goes on."


def test_rows_without_a_log_are_removed(talked: str) -> None:
    columns = "owner_id, started_at, updated_at, language, voice, turn_count, sequence"
    columns += ", keep, hidden, forked_at, error_count, open_flags"
    _damage(
        f"INSERT INTO conversations_conversation (id, {columns}) SELECT '{'1' * 32}', {columns} "
        "FROM conversations_conversation LIMIT 1"
    )
    assert [line.rpartition(": ")[2] for line in _check()] == ["the log has no such conversation"]
    call_command("rebuild_projections", stdout=io.StringIO(), stderr=io.StringIO())
    assert Conversation.objects.count() == 2
    assert _check() == []


def _everything(owner_id: str) -> list[object]:
    found: list[object] = list(selectors.conversations_of(owner_id).values())
    for conversation_id in (ONE, TWO):
        for view in selectors.read_conversation(owner_id, conversation_id).turns:
            values = {field.name: getattr(view.turn, field.attname) for field in Turn._meta.concrete_fields}
            del values["id"], values["sealed_words"]
            found.append((values, view.user_text, view.generated_text, view.spoken_text, view.heard_text))
    return found


@pytest.mark.parametrize(
    "damaged",
    [
        {"box": base64.b64encode(b"0" * 40).decode()},
        {"box": "not base64"},
        {"key": "no key"},
        None,
    ],
)
def test_where_the_log_itself_is_damaged_the_rows_stay_and_it_is_said(
    talked: str, damaged: dict[str, str] | None
) -> None:
    row = Event.objects.filter(stream=stream_of(ONE), payload__contains="sealed").order_by("sequence").first()
    assert row is not None
    payload = json.loads(row.payload)
    payload = {"sealed": payload["sealed"]} if damaged is None else payload | {"sealed": payload["sealed"] | damaged}
    with triggers_off():
        execute("UPDATE log_event SET payload = %s WHERE position = %s", json.dumps(payload), row.position)
    Conversation.objects.filter(id=TWO).update(turn_count=7)
    before = Conversation.objects.filter(id=ONE).values().get()
    err = io.StringIO()
    with pytest.raises(CommandError, match="could not be rebuilt"):
        call_command("rebuild_projections", stdout=io.StringIO(), stderr=err)
    assert f"conversation {ONE}: the log itself is damaged" in err.getvalue()
    assert Conversation.objects.filter(id=ONE).values().get() == before
    assert Conversation.objects.get(id=TWO).turn_count != 7
