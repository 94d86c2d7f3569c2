"""What is taken away from a conversation while it is run again is not in the fork, and hidden is hidden at once."""

from typing import Any

import pytest
from django.conf import settings

from conversations.errors import WrongState
from conversations.events import ConversationHidden, ConversationStarted
from conversations.log.eventlog import event_log
from conversations.log.models import Event
from conversations.models import Conversation, Turn
from conversations.rerun.answering import Answer
from conversations.rerun.run import Rerun
from conversations.services import burial, erasure
from conversations.services.copying import Copy
from conversations.streams import stream_of
from tests.conversations.recorded import Recorded
from tests.conversations.rerunning import rerun, said_and_answered, talk, turns_of
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def talked() -> Recorded:
    return talk()


def during_answer(monkeypatch: pytest.MonkeyPatch, number: int, act: Any) -> None:
    """``act`` is called while the answer to this turn is made."""
    genuine = Rerun._answer

    async def answer(self: Rerun, fork: Any, turn: Any, *more: Any) -> Answer:
        if turn.number == number:
            await event_log().in_files_thread(act)
        return await genuine(self, fork, turn, *more)

    monkeypatch.setattr(Rerun, "_answer", answer)


def sounds() -> int:
    return sum(path.is_file() for path in (settings.DATA_DIR / "audio").rglob("*"))


def test_a_turn_redacted_while_it_is_answered_is_left_out(talked: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    during_answer(
        monkeypatch, 2, lambda: erasure.redact_turn(talked.id, "t2", actor=None, reason="request", what="all")
    )
    fork_id, told = rerun(talked, FakeEngines(replies=("One.", "Two.", "Three.")))
    assert [said for said, *_ in said_and_answered(fork_id)] == ["How far is the moon?", "Thank you."]
    assert [one.compared.skipped for one in told] == ["", "redacted", ""]


def test_a_turn_redacted_before_its_answer_is_not_shown_to_the_engine(
    talked: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    during_answer(monkeypatch, 1, lambda: erasure.redact_turn(talked.id, "t2", actor=None, reason="request"))
    engines = FakeEngines(replies=("One.", "Three."))
    rerun(talked, engines)
    assert len(engines.requests) == 2
    assert "And the sun?" not in str([request.messages for request in engines.requests])


def test_sound_taken_while_the_turn_is_answered_is_in_no_file_of_the_fork(
    talked: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sounds()
    during_answer(
        monkeypatch, 2, lambda: erasure.redact_turn(talked.id, "t2", actor=None, reason="request", what="sound")
    )
    fork_id, _ = rerun(talked, FakeEngines(replies=("One.", "Two.", "Three.")))
    second = turns_of(fork_id)[1]
    assert (second.user_text, second.turn.user_audio_id, second.turn.reply_audio_id) == ("And the sun?", "", "")
    turns = Turn.objects.filter(conversation__id=fork_id).values_list("user_audio_id", "reply_audio_id")
    assert sounds() - before == len([audio for pair in turns for audio in pair if audio]) - 1, "the source's went too"


def test_erased_meanwhile_it_stops(talked: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    during_answer(monkeypatch, 2, lambda: erasure.erase_conversation(talked.id, actor=None, reason="request"))
    with pytest.raises(WrongState):
        rerun(talked, FakeEngines(replies=("One.", "Two.", "Three.")), actor_id=talked.owner_id)
    fork = Conversation.objects.exclude(id=talked.id).get()
    assert [said for said, *_ in said_and_answered(str(fork.id))] == ["How far is the moon?"]


@pytest.mark.parametrize("from_turn", ["", "2"])
def test_run_by_somebody_else_it_is_hidden_from_its_first_fact_on(
    talked: Recorded, monkeypatch: pytest.MonkeyPatch, from_turn: str
) -> None:
    seen: list[bool] = []
    genuine = Copy.run

    def run(self: Copy, *given: Any) -> None:
        seen.extend(Conversation.objects.exclude(id=talked.id).values_list("hidden", flat=True))
        genuine(self, *given)

    monkeypatch.setattr(Copy, "run", run)
    fork_id, _ = rerun(talked, FakeEngines(), actor_id="somebody", from_turn=from_turn)
    first = Event.objects.filter(stream=stream_of(fork_id)).order_by("sequence")[:2]
    assert [event.type for event in first] == [ConversationStarted.type, ConversationHidden.type]
    assert first[0].recorded_at == first[1].recorded_at, "in one append"
    assert seen == ([True] if from_turn else [])


def test_begun_while_its_source_is_being_erased_it_is_erased_too(
    talked: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    genuine = burial.bury

    def bury(*given: Any, **more: Any) -> None:
        if not made:  # the last moment at which there is something to run again
            made.append(rerun(talked, FakeEngines(), actor_id="somebody")[0])
        genuine(*given, **more)

    monkeypatch.setattr(burial, "bury", bury)
    erasure.erase_conversation(talked.id, actor=None, reason="request")
    assert Conversation.objects.get(id=made[0]).erased_at is not None
