"""When who was heard: from the moments in the record, or from what an older record has."""

import pytest
from django.contrib.auth import get_user_model

from conversations.events import Pause, ReplyHeard, TurnRedacted, UserWrote
from conversations.models import Turn
from conversations.projections import rebuild
from conversations.replay.line import BREAK_MS, LONGEST_KEPT_MS, LONGEST_PAUSE_MS, Piece, Timeline
from conversations.replay.moments import moments_of
from conversations.replay.timeline import timeline
from conversations.streams import stream_of
from tests.conversations.replayed import Recorded, at

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def recorded() -> Recorded:
    return Recorded(str(get_user_model().objects.create_user(username="owner").pk))


def spans(heard: Timeline) -> list[tuple[str, int, int]]:
    return [(utterance.who, utterance.start_ms, utterance.end_ms) for utterance in heard.utterances]


def test_utterances_stand_where_they_were_heard(recorded: Recorded) -> None:
    recorded.user("t1", 5000, 1200)
    recorded.reply("t1", 6700, 2000)
    recorded.user("t2", 12_000, 800)
    heard = timeline(recorded.view)
    assert spans(heard) == [("user", 0, 1200), ("reply", 1700, 3700), ("user", 7000, 7800)]
    assert heard.duration_ms == 7800
    assert [(one.kind, one.start_ms, one.end_ms) for one in heard.silences] == [
        ("pause", 1200, 1700),
        ("pause", 3700, 7000),
    ]
    assert all(utterance.exact and utterance.state == "kept" for utterance in heard.utterances)


def test_speech_into_an_answer_overlaps_it_and_the_rest_is_unheard(recorded: Recorded) -> None:
    recorded.user("t1", 0, 1000)
    recorded.reply("t1", 1500, 3000, heard_ms=1100)
    recorded.user("t2", 2300, 900)
    heard = timeline(recorded.view)
    assert spans(heard) == [("user", 0, 1000), ("reply", 1500, 2600), ("user", 2300, 3200)]
    answer = heard.utterances[1]
    assert (answer.unheard_ms, answer.complete) == (1900, False)
    assert answer.pieces == (Piece(1500, 2600, 0),)


def test_an_answer_that_had_to_be_waited_for_has_a_hole_in_it(recorded: Recorded) -> None:
    recorded.user("t1", 0, 1000)
    recorded.reply("t1", 1500, 2000, pauses=(Pause(700, 400),))
    answer = timeline(recorded.view).utterances[1]
    assert answer.pieces == (Piece(1500, 2200, 0), Piece(2600, 3900, 700))
    assert answer.end_ms == 3900


def test_an_older_record_is_laid_out_by_when_it_was_written(recorded: Recorded) -> None:
    recorded.user("t1", None, 1200)
    recorded.reply("t1", None, 900, heard_ms=600)
    heard = timeline(recorded.view)
    user, answer = heard.utterances
    assert (user.start_ms, user.end_ms) == (0, 1200)
    assert answer.start_ms == 1200 + 420 - 210  # the first sound came that long after the end of the turn
    assert answer.end_ms - answer.start_ms == 600
    assert not user.exact
    assert not answer.exact


def test_who_comes_back_later_is_not_waited_for(recorded: Recorded) -> None:
    recorded.user("t1", 0, 1000)
    later = 1000 + LONGEST_PAUSE_MS + 60_000
    recorded.user("t2", later, 500)
    heard = timeline(recorded.view)
    assert spans(heard) == [("user", 0, 1000), ("user", 1000 + BREAK_MS, 1500 + BREAK_MS)]
    assert [(one.kind, one.lasted_ms) for one in heard.silences] == [("break", later - 1000)]


def test_a_clock_that_was_set_back_puts_nothing_before_what_came_first(recorded: Recorded) -> None:
    recorded.user("t1", 60_000, 1000)
    recorded.user("t2", 0, 500)
    assert spans(timeline(recorded.view)) == [("user", 0, 1000), ("user", 1000 + BREAK_MS, 1500 + BREAK_MS)]


def test_skipping_shortens_long_pauses_and_nothing_else(recorded: Recorded) -> None:
    recorded.user("t1", 0, 1000)
    recorded.reply("t1", 1400, 2000, heard_ms=1000, pauses=(Pause(500, 3000),))
    recorded.user("t2", 5600, 900)
    recorded.user("t3", 60_000, 700)
    full, short = timeline(recorded.view), timeline(recorded.view, skip_pauses=True)
    kept = LONGEST_KEPT_MS
    assert spans(full) == [("user", 0, 1000), ("reply", 1400, 5400), ("user", 5600, 6500), ("user", 60_000, 60_700)]
    assert spans(short) == [
        ("user", 0, 1000),
        ("reply", 1400, 2400 + kept),
        ("user", 2600 + kept, 3500 + kept),
        ("user", 3500 + 2 * kept, 4200 + 2 * kept),
    ]
    assert short.utterances[1].pieces == (Piece(1400, 1900, 0), Piece(1900 + kept, 2400 + kept, 500))
    assert [one.lasted_ms for one in short.silences] == [one.lasted_ms for one in full.silences]
    assert short.duration_ms == 4200 + 2 * kept


def test_what_is_gone_keeps_its_length(recorded: Recorded) -> None:
    recorded.user("t1", 0, 1000)
    recorded.reply("t1", 1500, 3000, heard_ms=1100)
    recorded.record("", TurnRedacted(turn_id="t1", reason="asked"))
    heard = timeline(recorded.view)
    assert spans(heard) == [("user", 0, 1000), ("reply", 1500, 2600)]
    assert [utterance.state for utterance in heard.utterances] == ["erased", "erased"]


def test_what_was_never_kept_is_told_from_what_was_erased(recorded: Recorded) -> None:
    private = Recorded(recorded.owner_id, keep="text")
    private.user("t1", 0, 1000, stored=False)
    private.reply("t1", 1500, 2000, stored=False)
    heard = timeline(private.view)
    assert [(utterance.state, utterance.end_ms) for utterance in heard.utterances] == [
        ("unkept", 1000),
        ("unkept", 3500),
    ]


def test_typed_words_and_answers_that_are_read_take_no_time(recorded: Recorded) -> None:
    recorded.record("t1", UserWrote(item_id="u", text="Typed."))
    read = ReplyHeard(response_id="r", item_id="a", text="Read.", audio_ms=0, source="text")
    recorded.record("t1", read)
    heard = timeline(recorded.view)
    assert [(one.who, one.state, one.end_ms - one.start_ms) for one in heard.utterances] == [
        ("user", "none", 0),
        ("reply", "none", 0),
    ]


def test_the_facts_stand_at_their_moments_within_the_line(recorded: Recorded) -> None:
    recorded.user("t1", 0, 1000)
    recorded.reply("t1", 1500, 2000)
    view = recorded.view
    marks = timeline(view, moments_of(view)).marks
    assert [mark.type for mark in marks][:3] == ["conversation.started", "user.spoke", "user.transcribed"]
    assert [mark.sequence for mark in marks] == list(range(1, len(marks) + 1))
    assert {mark.turn for mark in marks} == {0, 1}
    assert all(0 <= mark.at_ms <= 3500 for mark in marks)
    assert [mark.at_ms for mark in marks] == sorted(mark.at_ms for mark in marks)


def test_the_moments_are_in_the_read_model_and_come_out_equal_from_the_log(recorded: Recorded) -> None:
    recorded.user("t1", 250, 1000)
    recorded.reply("t1", 1500, 3000, heard_ms=1100)
    recorded.user("t2", None, 900)
    first, second = (view.turn for view in recorded.view.turns)
    assert (first.user_began_at, first.reply_began_at) == (at(250), at(1500))
    assert (first.reply_audio_ms, first.heard_ms) == (3000, 1100)
    assert second.user_began_at is None
    assert rebuild.differences(stream_of(recorded.id)) == []
    Turn.objects.update(user_began_at=None, reply_audio_ms=1)
    assert rebuild.rebuild(stream_of(recorded.id)) == [
        "turn 1: user_began_at differs",
        "turn 1: reply_audio_ms differs",
        "turn 2: reply_audio_ms differs",
    ]
    assert rebuild.differences(stream_of(recorded.id)) == []


def test_an_empty_conversation_has_an_empty_line(recorded: Recorded) -> None:
    assert timeline(recorded.view, skip_pauses=True).duration_ms == 0
