"""Redacting a turn: its words and sound are gone for good, whatever is still on its way, and its neighbours stay."""

import functools

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model

from conversations import search, selectors
from conversations.errors import Invalid, WrongState
from conversations.events import UserTranscribed
from conversations.keeping import sweeping
from conversations.log.errors import KeyDestroyed
from conversations.log.eventlog import event_log
from conversations.log.models import Key
from conversations.models import Conversation
from conversations.record import ConversationRecord
from conversations.services import burial, erasure, forks
from conversations.services.access import Actor
from tests.conversations.conversing import TONE, opened, person, say
from tests.conversations.erasing import SECRET, conversation, in_step, sounds

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> Actor:
    return get_user_model().objects.get(pk=person("ada"))


def test_a_redacted_turn_is_gone_and_its_neighbour_stays(ada: Actor) -> None:
    both = conversation(ada, *SECRET)
    of_first, of_second = sweeping.named(both.stream, "t1"), sweeping.named(both.stream, "t2")
    search.catch_up()
    erasure.redact_turn(both.id, "t1", actor=ada, reason="third_party")
    first, second = selectors.read_conversation(str(ada.pk), both.id).turns
    assert (first.turn.redacted, first.user_text, first.heard_text) == (True, "", "")
    assert (second.user_text, second.heard_text) == SECRET[1]
    assert not of_first & sounds()
    assert of_second <= sounds()
    assert not search.find(str(ada.pk), "zirconium").hits
    assert search.find(str(ada.pk), "quince").hits
    erasure.redact_turn(both.id, "t1", actor=ada, reason="third_party")
    in_step()
    with pytest.raises(Invalid):
        erasure.redact_turn(both.id, "t9", actor=ada, reason="third_party")
    erasure.erase_conversation(both.id, actor=ada, reason="request")
    with pytest.raises(WrongState):
        erasure.redact_turn(both.id, "t2", actor=ada, reason="third_party")


def test_the_sound_alone_can_go(ada: Actor) -> None:
    both = conversation(ada, *SECRET)
    of_first = sweeping.named(both.stream, "t1")
    erasure.redact_turn(both.id, "t1", actor=ada, reason="third_party", what="sound")
    first, second = selectors.read_conversation(str(ada.pk), both.id).turns
    assert (first.user_text, first.heard_text) == SECRET[0]
    assert (first.turn.redacted, first.turn.user_audio_id, first.turn.reply_audio_id) == (False, "", "")
    assert second.turn.user_audio_id
    assert not of_first & sounds()
    assert Key.objects.filter(stream=both.stream, turn="t1", wrapped__isnull=True).count() == 1
    in_step()


@pytest.mark.parametrize("what", ["all", "sound"])
def test_a_session_that_speaks_on_is_recorded_without_what_was_redacted(ada: Actor, what: burial.What) -> None:
    """A transcript under way, the moment of what was heard: facts that come late must not end the session."""

    async def speak(record: ConversationRecord) -> None:
        await record.append(UserTranscribed(item_id="u9", text="late zirconium"), turn_id="t1")
        spool = record.spool("t1")
        await spool.add(TONE)
        assert await spool.save() == ""
        await say(record, 2, "Next", "Next answer")

    record = async_to_sync(opened)(str(ada.pk))
    async_to_sync(say)(record, 1, *SECRET[0])
    erasure.redact_turn(record.conversation_id, "t1", actor=ada, reason="third_party", what=what)
    before = sounds()
    async_to_sync(speak)(record)
    first, second = selectors.read_conversation(str(ada.pk), record.conversation_id).turns
    assert ("late zirconium" in first.user_text) == (what == "sound")
    assert (second.user_text, second.heard_text) == ("Next", "Next answer")
    assert len(sounds() - before) == 2
    texts = [item.text for item in async_to_sync(record.history)()]
    assert any("zirconium" in text for text in texts) == (what == "sound")
    in_step()


def test_a_sound_already_on_its_way_is_removed(ada: Actor) -> None:
    """The file was written before the redaction, the fact that names it comes after."""
    from conversations.events import ReplyHeard

    record = async_to_sync(opened)(str(ada.pk))
    async_to_sync(say)(record, 1, *SECRET[0])
    audio_id = async_to_sync(record.save_audio)("t1", TONE)
    erasure.redact_turn(record.conversation_id, "t1", actor=ada, reason="third_party")
    assert audio_id in sounds()
    heard = ReplyHeard(response_id="r9", item_id="a9", text="quince", audio_ms=1, source="text", audio_id=audio_id)
    async_to_sync(record.append)(heard, turn_id="t1")
    assert audio_id not in sounds()
    assert audio_id not in sweeping.named(f"conversation-{record.conversation_id}")
    in_step()


def test_what_keys_alone_lost_stays_refused(ada: Actor) -> None:
    """Keys that went without a fact are an accident, and no reason to record on in silence."""
    from conversations.log import keys

    record = async_to_sync(opened)(str(ada.pk))
    async_to_sync(say)(record, 1, *SECRET[0])
    event_log().write_now(functools.partial(keys.destroy, f"conversation-{record.conversation_id}"))
    with pytest.raises(KeyDestroyed):
        async_to_sync(say)(record, 2, *SECRET[1])
    assert Conversation.objects.count() == 1


def test_a_redacted_turn_is_gone_from_forks_too_and_an_erased_conversation_leaves_them(ada: Actor) -> None:
    first = conversation(ada, *SECRET)
    fork = forks.fork(first.id, actor=ada)
    of_fork = forks.fork(fork, actor=ada, at_turn="t1")
    other = conversation(ada, *SECRET)
    erasure.redact_turn(fork, "t1", actor=ada, reason="third_party")
    for one, redacted in ((first.id, True), (fork, True), (of_fork, True), (other.id, False)):
        turns = selectors.read_conversation(str(ada.pk), one).turns
        assert (turns[0].turn.redacted, turns[0].user_text == "") == (redacted, redacted)
    erasure.erase_conversation(first.id, actor=ada, reason="request")
    assert selectors.read_conversation(str(ada.pk), fork).turns[1].user_text == SECRET[1][0]
    in_step()
