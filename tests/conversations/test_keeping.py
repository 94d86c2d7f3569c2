"""What is kept is the person's choice: sound and words, words, or nothing; and the log has no more than that."""

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.management import call_command
from pytest_django import Settings

from conversations import selectors
from conversations.events import FACTS, ItemCreated, KeepChanged, ToolCalled
from conversations.log import store
from conversations.log.models import Event, Key
from conversations.log.verify import verify
from conversations.models import Conversation, Turn
from conversations.services import erasure, keeping
from tests.conversations.conversing import opened, person, say, talked
from tests.conversations.erasing import OTHER, SECRET, sounds, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner() -> str:
    return person("ada")


def in_step() -> None:
    assert verify().breaks == []
    call_command("rebuild_projections", check=True)


def test_a_private_conversation_leaves_no_word_and_no_sound(owner: str) -> None:
    before = sounds()
    record = async_to_sync(opened)(owner, keep="nothing")
    async_to_sync(say)(record, 1, *SECRET[0])
    tool = ToolCalled(response_id="r1", item_id="f1", call_id="c1", name="find", arguments='{"what": "zirconium"}')
    content = '{"type": "function_call_output", "call_id": "c1", "output": "under the quince"}'
    output = ItemCreated(item_id="o1", kind="function_call_output", content=content)
    async_to_sync(record.append)(tool, output, turn_id="t1")

    assert sounds() == before
    for event in store.read_stream(f"conversation-{record.conversation_id}"):
        for name in FACTS[event.type].personal | {"audio_id"}:
            assert not event.payload.get(name), event.type
    [turn] = selectors.read_conversation(owner, record.conversation_id).turns
    assert (turn.user_text, turn.generated_text, turn.heard_text, turn.turn.sealed_words) == ("", "", "", None)
    assert (turn.turn.keep, turn.turn.status, turn.turn.user_audio_ms) == ("nothing", "completed", 500)
    assert not Key.objects.exclude(turn="").exists(), "there is nothing to seal"
    assert b"zirconium" not in stored()
    in_step()


def test_the_session_itself_remembers_while_it_lasts(owner: str) -> None:
    record = async_to_sync(opened)(owner, keep="nothing")
    async_to_sync(say)(record, 1, *SECRET[0])
    # Another's fact in between makes the history read the log, which has no words of this session.
    async_to_sync(opened)(owner, conversation_id=record.conversation_id, session="s2")
    async_to_sync(say)(record, 2, *SECRET[1])
    texts = [item.text for item in async_to_sync(record.history)()]
    assert texts == [*SECRET[0], *SECRET[1]]
    resumed = async_to_sync(opened)(owner, conversation_id=record.conversation_id, session="s3")
    assert async_to_sync(resumed.history)() == ()


def test_words_without_sound(owner: str) -> None:
    before = sounds()
    said = async_to_sync(talked)(owner, *SECRET, keep="text")
    assert sounds() == before
    turns = selectors.read_conversation(owner, said.id).turns
    assert [(turn.user_text, turn.heard_text) for turn in turns] == list(SECRET)
    assert {turn.turn.user_audio_id + turn.turn.reply_audio_id for turn in turns} == {""}
    assert not Key.objects.filter(purpose="sound").exists()
    in_step()


def test_the_choice_changes_from_turn_to_turn(owner: str) -> None:
    record = async_to_sync(opened)(owner)

    async def speak() -> None:
        await say(record, 1, "kept", "kept answer")
        await record.append(KeepChanged(keep="nothing"), turn_id="")
        await say(record, 2, "zirconium", "quince")
        await record.append(KeepChanged(keep="text"), turn_id="")
        await say(record, 3, "written", "written answer")

    async_to_sync(speak)()
    turns = selectors.read_conversation(owner, record.conversation_id).turns
    assert [turn.turn.keep for turn in turns] == ["sound", "nothing", "text"]
    assert [turn.user_text for turn in turns] == ["kept", "", "written"]
    assert [bool(turn.turn.user_audio_id) for turn in turns] == [True, False, False]
    in_step()


def test_a_turn_keeps_the_choice_it_began_with(owner: str) -> None:
    """What is answered repeats what was asked: both are kept or neither."""
    from conversations.events import ReplySpoken, UserWrote

    record = async_to_sync(opened)(owner, keep="nothing")

    async def speak() -> None:
        await record.append(UserWrote(item_id="u1", text="zirconium"), turn_id="t1")
        await record.append(KeepChanged(keep="sound"), turn_id="")
        await record.append(ReplySpoken(response_id="r", item_id="a1", index=0, text="zirconium!"), turn_id="t1")
        await say(record, 2, "kept", "kept")

    async_to_sync(speak)()
    first, second = selectors.read_conversation(owner, record.conversation_id).turns
    assert (first.user_text, first.spoken_text) == ("", "")
    assert second.user_text == "kept"
    in_step()


def test_the_operators_default_holds_until_somebody_chooses(owner: str, settings: Settings) -> None:
    settings.KEEP_DEFAULT = "text"
    said = async_to_sync(talked)(owner, *OTHER)
    assert Conversation.objects.get(id=said.id).keep == "text"
    chosen = async_to_sync(talked)(owner, *OTHER, keep="sound")
    assert Turn.objects.get(conversation_id=chosen.id).user_audio_id


def test_a_resumed_conversation_has_its_choice_unless_another_is_made(owner: str) -> None:
    first = async_to_sync(opened)(owner, keep="nothing")
    again = async_to_sync(opened)(owner, conversation_id=first.conversation_id, session="s2")
    assert again.keep == "nothing"
    other = async_to_sync(opened)(owner, conversation_id=first.conversation_id, session="s3", keep="sound")
    assert other.keep == "sound"
    changes = Event.objects.filter(type=KeepChanged.type)
    assert changes.count() == 1
    async_to_sync(say)(first, 1, *OTHER[0])
    assert selectors.read_conversation(owner, first.conversation_id).turns[0].user_text == OTHER[0][0]


def test_a_choice_made_elsewhere_holds_for_a_live_session_at_once(owner: str) -> None:
    record = async_to_sync(opened)(owner)
    keeping.choose(record.conversation_id, "nothing", actor=get_user_model().objects.get(pk=owner))
    async_to_sync(say)(record, 1, *SECRET[0])
    assert selectors.read_conversation(owner, record.conversation_id).turns[0].user_text == ""
    assert not sounds() or b"zirconium" not in stored()
    in_step()


def test_nobody_comes_back_to_an_erased_conversation(owner: str) -> None:
    from conversations.errors import ConversationNotFound

    said = async_to_sync(talked)(owner, *OTHER)
    erasure.erase_conversation(said.id, actor=None, reason="request")
    with pytest.raises(ConversationNotFound):
        async_to_sync(opened)(owner, conversation_id=said.id, session="s2")
