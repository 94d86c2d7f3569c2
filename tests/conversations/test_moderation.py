"""Flags, hiding, and looking at what others said: who may, what the record says of it, what follows."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from avatar_project.models import User
from conversations.errors import ConversationNotFound, Invalid, NotAllowed, Refused, WrongState
from conversations.log import keys
from conversations.log.eventlog import event_log
from conversations.log.models import Event
from conversations.models import Conversation, Flag, Turn
from conversations.oversight.trail import trail
from conversations.services import access, moderation
from conversations.streams import stream_of
from tests.conversations.moderating import ONE, facts, held, person

pytestmark = pytest.mark.django_db(transaction=True)
NOTE = "she names her neighbour"


@pytest.fixture
def owner() -> User:
    owner = person("owner")
    held(owner)
    return owner


@pytest.fixture
def moderator(owner: User) -> User:
    return person("mia", *(permission for permission, _act in ACTS))


def erased(conversation_id: str = ONE) -> None:
    """As an erasure leaves it: a tombstone, and no key."""
    from conversations.events import ConversationErased

    access.record(conversation_id, ConversationErased(reason="request"), actor=None)
    event_log().write_now(lambda: keys.destroy(stream_of(conversation_id)))


ACTS: list[tuple[str, Callable[[User], Any]]] = [
    ("flag_conversation", lambda actor: moderation.flag(ONE, actor=actor, reason="hate")),
    ("hide_conversation", lambda actor: moderation.hide(ONE, actor=actor, hidden=True, reason="legal")),
    ("decide_flag", lambda actor: moderation.decide_flag("f", actor=actor, decision="upheld", reason="confirmed")),
    ("listen_recording", lambda actor: moderation.note_listening(ONE, actor=actor, turn_id="t1", audio_id="a" * 32)),
    ("read_words", lambda actor: moderation.note_listening(ONE, actor=actor, what="words")),
]


@pytest.mark.parametrize(("permission", "act"), ACTS, ids=[name for name, _act in ACTS])
def test_each_takes_its_own_permission_and_no_other(owner: User, permission: str, act: Callable[[User], Any]) -> None:
    moderation.flag(ONE, actor=None, reason="hate", rule="r")
    Flag.objects.update(flag_id="f")
    others = [name for name, _act in ACTS if name != permission]
    before = Event.objects.count()
    with pytest.raises(NotAllowed):
        act(person("nearly", *others))
    assert Event.objects.count() == before
    act(person("allowed", permission))
    assert Event.objects.count() == before + 1


def test_a_flag_stands_in_the_record_and_on_the_turn(moderator: User) -> None:
    flag_id = moderation.flag(ONE, actor=moderator, reason="personal_data", note=NOTE, turn_id="t1")

    (event,) = facts(ONE, "flag.raised")
    assert event.metadata.actor == str(moderator.pk)
    assert event.metadata.correlation == ""
    assert event.payload == {
        "flag_id": flag_id,
        "turn_id": "t1",
        "reason": "personal_data",
        "rule": "",
        "note": NOTE,
    }
    assert NOTE not in Event.objects.get(position=event.position).payload
    flag = Flag.objects.get()
    assert (flag.flag_id, flag.status, flag.raised_by, flag.turn_id) == (flag_id, "open", str(moderator.pk), "t1")
    assert Conversation.objects.get().open_flags == 1
    assert list(Turn.objects.values_list("open_flags", flat=True)) == [1, 0]


def test_a_rule_flags_a_turn_once(owner: User) -> None:
    first = moderation.flag(ONE, actor=None, reason="hate", rule="slurs", turn_id="t1")
    assert moderation.flag(ONE, actor=None, reason="hate", rule="slurs", turn_id="t1") == first
    assert moderation.flag(ONE, actor=None, reason="hate", rule="slurs", turn_id="t2") != first
    assert len(facts(ONE, "flag.raised")) == 2
    assert set(Flag.objects.values_list("rule", "raised_by")) == {("slurs", "")}


@pytest.mark.parametrize("decision", ["dismissed", "upheld"])
def test_a_flag_is_decided_once(moderator: User, decision: moderation.Decision) -> None:
    flag_id = moderation.flag(ONE, actor=moderator, reason="hate", turn_id="t1")
    moderation.decide_flag(flag_id, actor=moderator, decision=decision, reason="other", note=NOTE)

    flag = Flag.objects.get()
    assert (flag.status, flag.decided_by, flag.decision_reason) == (decision, str(moderator.pk), "other")
    assert (Conversation.objects.get().open_flags, Turn.objects.get(turn_id="t1").open_flags) == (0, 0)
    (event,) = facts(ONE, "flag.decided")
    assert (event.metadata.actor, event.payload["note"]) == (str(moderator.pk), NOTE)

    moderation.decide_flag(flag_id, actor=moderator, decision=decision, reason="other")
    other: moderation.Decision = "upheld" if decision == "dismissed" else "dismissed"
    with pytest.raises(WrongState, match=decision):
        moderation.decide_flag(flag_id, actor=moderator, decision=other, reason="other")
    assert len(facts(ONE, "flag.decided")) == 1


def test_of_two_who_decide_at_once_one_is_told(moderator: User) -> None:
    flag_id = moderation.flag(ONE, actor=moderator, reason="hate")
    told: list[Refused] = []
    gate = threading.Barrier(2)

    def decide(decision: moderation.Decision) -> None:
        from django.db import connection

        gate.wait()
        try:
            moderation.decide_flag(flag_id, actor=moderator, decision=decision, reason="other")
        except WrongState as refusal:
            told.append(refusal)
        finally:
            connection.close()

    both = [threading.Thread(target=decide, args=[decision]) for decision in ("dismissed", "upheld")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert (len(told), len(facts(ONE, "flag.decided"))) == (1, 1)


def test_a_hidden_conversation_is_out_of_its_owners_sight_until_it_is_given_back(owner: User, moderator: User) -> None:
    moderation.hide(ONE, actor=moderator, hidden=True, reason="under_review", note=NOTE)
    moderation.hide(ONE, actor=moderator, hidden=True, reason="under_review")
    with pytest.raises(ConversationNotFound):
        access.owned(owner, ONE)
    moderation.hide(ONE, actor=moderator, hidden=False, reason="reviewed")
    assert not access.owned(owner, ONE).hidden
    assert [event.payload["hidden"] for event in facts(ONE, "conversation.hidden")] == [True, False]


def test_looking_at_anothers_words_and_sound_is_recorded(moderator: User) -> None:
    moderation.note_listening(ONE, actor=moderator, turn_id="t1", audio_id="a" * 32, reason="complaint")
    moderation.note_listening(ONE, actor=moderator, what="words", reason="flag")
    heard, read = facts(ONE, "recording.heard")
    assert (heard.payload["what"], heard.payload["turn_id"], heard.payload["reason"]) == ("sound", "t1", "complaint")
    assert (read.payload["what"], read.metadata.actor) == ("words", str(moderator.pk))


def test_ones_own_words_are_nobodys_business(owner: User) -> None:
    moderation.note_listening(ONE, actor=owner, what="words")
    assert facts(ONE, "recording.heard") == []


def test_moderating_does_not_make_a_conversation_look_recent(moderator: User) -> None:
    before = Conversation.objects.get().updated_at
    moderation.note_listening(ONE, actor=moderator, what="words")
    flag_id = moderation.flag(ONE, actor=moderator, reason="hate")
    moderation.decide_flag(flag_id, actor=moderator, decision="dismissed", reason="harmless")
    moderation.hide(ONE, actor=moderator, hidden=True, reason="legal")
    assert Conversation.objects.get().updated_at == before


def test_an_erased_conversation_takes_no_flag_and_its_open_flags_can_still_be_decided(moderator: User) -> None:
    flag_id = moderation.flag(ONE, actor=moderator, reason="hate", note=NOTE)
    erased()
    with pytest.raises(WrongState):
        moderation.flag(ONE, actor=moderator, reason="hate")
    with pytest.raises(WrongState):
        moderation.hide(ONE, actor=moderator, hidden=True, reason="legal")
    with pytest.raises(WrongState):
        moderation.decide_flag(flag_id, actor=moderator, decision="upheld", reason="handled", note="more words")
    moderation.decide_flag(flag_id, actor=moderator, decision="upheld", reason="handled")
    assert Flag.objects.get().status == "upheld"
    assert [entry.note for entry in trail(stream_of(ONE))] == ["", "", ""]


@pytest.mark.parametrize("reason", ["", "She was rude to me", "UPPER", "x" * 81, "über"])
def test_a_reason_is_a_code_and_not_a_sentence(moderator: User, reason: str) -> None:
    with pytest.raises(Invalid):
        moderation.flag(ONE, actor=moderator, reason=reason)


def test_what_is_not_there_is_not_found(moderator: User) -> None:
    for absent in ("0198a000-0000-7000-8000-00000000ffff", "nonsense"):
        with pytest.raises(ConversationNotFound):
            moderation.flag(absent, actor=moderator, reason="hate")
    with pytest.raises(ConversationNotFound):
        moderation.decide_flag("none", actor=moderator, decision="upheld", reason="confirmed")
    with pytest.raises(Invalid):
        moderation.flag(ONE, actor=moderator, reason="hate", turn_id="no-such-turn")
    with pytest.raises(Invalid):
        moderation.flag(ONE, actor=None, reason="hate")


def test_the_trail_tells_who_did_what_the_last_first(moderator: User) -> None:
    moderation.note_listening(ONE, actor=moderator, what="words")
    flag_id = moderation.flag(ONE, actor=moderator, reason="hate", note=NOTE)
    moderation.decide_flag(flag_id, actor=moderator, decision="upheld", reason="confirmed")
    entries = trail(stream_of(ONE))
    assert [entry.fact.type for entry in entries] == ["flag.decided", "flag.raised", "recording.heard"]
    assert entries[1].note == NOTE
    assert {entry.actor for entry in entries} == {str(moderator.pk)}


def test_the_read_models_are_made_anew_from_the_log(moderator: User) -> None:
    flag_id = moderation.flag(ONE, actor=moderator, reason="hate", turn_id="t1")
    moderation.flag(ONE, actor=None, reason="hate", rule="slurs", turn_id="t2")
    moderation.decide_flag(flag_id, actor=moderator, decision="upheld", reason="confirmed")
    moderation.hide(ONE, actor=moderator, hidden=True, reason="legal")
    call_command("rebuild_projections", "--check", verbosity=0)


def test_a_form_that_is_sent_twice_raises_one_flag(owner: User, moderator: User) -> None:
    first = moderation.flag(ONE, actor=moderator, reason="hate", note=NOTE)
    assert moderation.flag(ONE, actor=moderator, reason="hate", note=NOTE) == first
    others = [
        moderation.flag(ONE, actor=moderator, reason="violence"),
        moderation.flag(ONE, actor=moderator, reason="hate", turn_id="t1"),
        moderation.flag(ONE, actor=person("also", "flag_conversation"), reason="hate"),
    ]
    assert Flag.objects.count() == len({first, *others}) == 4
    moderation.decide_flag(first, actor=moderator, decision="dismissed", reason="harmless")
    assert moderation.flag(ONE, actor=moderator, reason="hate") != first
