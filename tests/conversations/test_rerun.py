"""A recorded conversation held again: the same user, other engines, a fork with what would have been said."""

import functools

import pytest

from conversations.errors import WrongState
from conversations.events import ConversationErased, TurnRedacted
from conversations.log import keys
from conversations.log.eventlog import event_log
from conversations.models import Conversation
from conversations.rerun.compare import Times
from conversations.rerun.fork import recorded_opus
from conversations.streams import stream_of
from inference.errors import EngineError
from tests.conversations.recorded import Recorded
from tests.conversations.rerunning import equal_to_the_log, rerun, said_and_answered, talk, turns_of
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def talked() -> Recorded:
    return talk()


def test_what_the_user_said_is_answered_anew_in_a_fork(talked: Recorded) -> None:
    engines = FakeEngines(replies=("384,000 kilometres.", "150 million.", "Gladly."))
    before = said_and_answered(talked.id)

    fork_id, told = rerun(talked, engines, actor_id=talked.owner_id)

    assert said_and_answered(fork_id) == [
        ("How far is the moon?", "384,000 kilometres.", "384,000 kilometres."),
        ("And the sun?", "150 million.", "150 million."),
        ("Thank you.", "Gladly.", "Gladly."),
    ]
    assert said_and_answered(talked.id) == before, "what is run again stays as it was"
    fork = Conversation.objects.get(id=fork_id)
    assert (str(fork.forked_from), fork.forked_at, str(fork.owner_id)) == (talked.id, "", talked.owner_id)
    assert not fork.hidden
    assert [one.compared.number for one in told] == [1, 2, 3]
    assert (told[0].done, told[0].total) == (1, 3)
    assert told[0].texts.reply_then == "It is far"
    assert engines.transcribed == [], "the recorded words were taken"
    equal_to_the_log()


def test_the_context_grows_from_what_the_fork_heard(talked: Recorded) -> None:
    engines = FakeEngines(replies=("One.", "Two.", "Three."))
    rerun(talked, engines, instructions="Be brief.")
    first, second, third = (request.messages for request in engines.requests)
    assert [(message["role"], message["content"]) for message in third] == [
        ("system", "Be brief."),
        ("user", "How far is the moon?"),
        ("assistant", "One."),
        ("user", "And the sun?"),
        ("assistant", "Two."),
        ("user", "Thank you."),
    ]
    assert second[: len(first)] == first
    assert third[: len(second)] == second


def test_from_a_turn_on_the_turns_before_are_as_they_were(talked: Recorded) -> None:
    engines = FakeEngines(replies=("Two.", "Three."))
    fork_id, told = rerun(talked, engines, from_turn="2")
    assert [answer for _, answer, _ in said_and_answered(fork_id)] == ["It is far away. Very far.", "Two.", "Three."]
    assert Conversation.objects.get(id=fork_id).forked_at == "t1"
    assert [one.compared.turn_id for one in told] == ["t2", "t3"]
    assert engines.requests[0].messages[2]["content"] == "It is far", "the model is shown what was heard, not written"
    assert rerun(talked, FakeEngines(), from_turn="t3")[1][0].compared.number == 3
    equal_to_the_log()


def test_the_sound_is_transcribed_again_and_compared(talked: Recorded) -> None:
    engines = FakeEngines(heard=("How far is the moo?", "And the sun?"))
    fork_id, told = rerun(talked, engines, transcribe=True)
    assert [said for said, _, _ in said_and_answered(fork_id)] == ["How far is the moo?", "And the sun?", "Thank you."]
    assert [(one.compared.edits, one.compared.words) for one in told] == [(1, 5), (0, 3), (None, 0)]
    assert len(engines.transcribed[0]) > 24_000 * 2 * 16 // 24 // 2, "the whole recording, at 16 kHz, and some silence"
    assert told[0].compared.now.transcript_ms is not None
    turn = turns_of(fork_id)[0].turn
    assert turn.stt_model == "fake-stt"
    assert turn.transcript_ms == told[0].compared.now.transcript_ms


def test_both_sides_are_timed_from_when_the_words_were_known(talked: Recorded) -> None:
    fork_id, told = rerun(talked, FakeEngines())
    assert told[0].compared.then == Times(60.0, 150.0, 320.0, 200.0)
    now = told[0].compared.now
    assert now.first_token_ms is not None
    assert now.first_sentence_ms is not None
    assert now.first_audio_ms is not None
    assert 0 <= now.first_token_ms <= now.first_sentence_ms <= now.first_audio_ms < 5000
    turn = turns_of(fork_id)[0].turn
    assert turn.first_token_ms == now.first_token_ms
    assert turn.first_audio_ms is None, "nobody waited for it: it is not among people's latencies"


def test_the_recordings_of_both_are_in_the_fork_under_keys_of_its_own(talked: Recorded) -> None:
    fork_id, _ = rerun(talked, FakeEngines())
    then = turns_of(talked.id)[0].turn.user_audio_id
    turn = turns_of(fork_id)[0].turn
    assert recorded_opus(fork_id, turn.user_audio_id) == recorded_opus(talked.id, then) != b""
    assert recorded_opus(fork_id, turn.reply_audio_id).startswith(b"OggS")
    assert turn.heard_source == "playback_clock"
    event_log().write_now(functools.partial(keys.destroy, stream_of(talked.id)))
    assert recorded_opus(talked.id, then) == b""
    assert recorded_opus(fork_id, turn.user_audio_id) != b""


def test_where_only_words_are_kept_no_sound_is_kept_of_the_new_answers() -> None:
    recorded = Recorded(keep="text")
    recorded.typed("t1", "Hello.", "Hi.")
    fork_id, _ = rerun(recorded, FakeEngines())
    turn = turns_of(fork_id)[0].turn
    assert turn.reply_audio_id == ""
    assert Conversation.objects.get(id=fork_id).keep == "text"


def test_run_by_somebody_else_it_is_out_of_its_owners_sight(talked: Recorded) -> None:
    fork_id, _ = rerun(talked, FakeEngines(), actor_id="somebody")
    fork = Conversation.objects.get(id=fork_id)
    assert fork.hidden
    assert str(fork.owner_id) == talked.owner_id, "so that erasing the person erases it"


def test_stopped_in_the_middle_it_goes_on_where_it_was(talked: Recorded) -> None:
    fork_id, told = rerun(talked, FakeEngines(replies=("One.",)), stop_after=1)
    assert len(told) == 1
    engines = FakeEngines(replies=("Two.", "Three."))
    again, told = rerun(talked, engines, fork_id=fork_id)
    assert again == fork_id
    assert [answer for _, answer, _ in said_and_answered(fork_id)] == ["One.", "Two.", "Three."]
    assert engines.requests[0].messages[2]["content"] == "One.", "what was answered before is in the context"
    assert [one.compared.turn_id for one in told] == ["t2", "t3"]


def test_an_engine_that_fails_fails_its_turn_alone(talked: Recorded) -> None:
    trouble = EngineError("The model is ill.", permanent=True)
    fork_id, told = rerun(talked, FakeEngines(replies=("One.", trouble, "Three.")))
    assert [one.compared.error for one in told] == ["", "engine_error", ""]
    statuses = [view.turn.status for view in turns_of(fork_id)]
    assert statuses == ["completed", "failed", "completed"]


def test_what_was_erased_is_not_run_again(talked: Recorded) -> None:
    event_log().write_now(functools.partial(keys.destroy, stream_of(talked.id), "t2"))
    talked.append("", TurnRedacted(turn_id="t2", reason="asked"))
    fork_id, told = rerun(talked, FakeEngines())
    assert [one.compared.skipped for one in told] == ["", "redacted", ""]
    assert len(said_and_answered(fork_id)) == 2

    event_log().write_now(functools.partial(keys.destroy, stream_of(talked.id)))
    talked.append("", ConversationErased(reason="asked"))
    with pytest.raises(WrongState, match="erased"):
        rerun(talked, FakeEngines())


def test_a_private_conversation_is_not_run_again() -> None:
    recorded = Recorded(keep="nothing")
    with pytest.raises(WrongState, match="private"):
        rerun(recorded, FakeEngines())
