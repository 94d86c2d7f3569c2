"""A live session's record: opened, resumed, appended to, read back."""

import asyncio
import functools
import os
import uuid

import numpy as np
import pytest
from django.contrib.auth import get_user_model

from conversations import selectors
from conversations.errors import ConversationNotFound, UnknownOwner
from conversations.events import (
    ConversationStarted,
    ItemDeleted,
    ReplyHeard,
    ReplySpoken,
    SessionClosed,
    SessionOpened,
    UserSpoke,
    UserTranscribed,
    UserWrote,
)
from conversations.log import keys
from conversations.log.errors import AudioMissing, IdempotencyMismatch, KeyDestroyed
from conversations.log.eventlog import event_log
from conversations.log.models import Event
from conversations.record import ConversationRecord
from conversations.streams import stream_of
from inference.audio.opus import decode_opus

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner_id() -> str:
    return str(get_user_model().objects.create_user(username="owner").pk)


@pytest.fixture
def other_id() -> str:
    return str(get_user_model().objects.create_user(username="other").pk)


async def start(owner_id: str, conversation_id: str | None = None, session: str = "s1") -> ConversationRecord:
    opened = SessionOpened(session_id=session, model="m", voice="v", language="en")
    return await ConversationRecord.open(owner_id=owner_id, session=opened, conversation_id=conversation_id)


async def turn(record: ConversationRecord, number: int) -> None:
    item, reply = f"u{number}", f"a{number}"
    await record.append(UserSpoke(item_id=item, audio_id="f" * 32, duration_ms=800), turn_id=f"t{number}")
    await record.append(
        UserTranscribed(item_id=item, text=f"question {number}"),
        ReplySpoken(response_id="r", item_id=reply, index=0, text=f"answer {number}."),
        turn_id=f"t{number}",
    )
    await record.append(
        ReplyHeard(response_id="r", item_id=reply, text=f"answer {number}.", audio_ms=900, source="client"),
        turn_id=f"t{number}",
    )


async def test_a_new_conversation_begins_with_its_owner_and_its_session(owner_id: str) -> None:
    record = await start(owner_id)
    facts = await record.facts_after(0)
    assert [fact.fact for fact in facts] == [
        ConversationStarted(owner=owner_id, language="en", voice="v"),
        SessionOpened(session_id="s1", model="m", voice="v", language="en"),
    ]
    assert uuid.UUID(record.conversation_id).version == 7


async def test_append_returns_the_sequence_and_facts_come_back_with_their_turn(owner_id: str) -> None:
    record = await start(owner_id)
    assert await record.append(UserWrote(item_id="u1", text="hello"), turn_id="t1") == 3
    two = (UserWrote(item_id="u2", text="more"), ItemDeleted(item_id="u1"))
    assert await record.append(*two, turn_id="t2") == 5
    facts = await record.facts_after(3)
    assert [(place.sequence, place.turn_id, place.fact) for place in facts] == [(4, "t2", two[0]), (5, "t2", two[1])]


async def test_events_name_actor_session_turn_and_cause(owner_id: str) -> None:
    record = await start(owner_id)
    await turn(record, 1)
    events = await event_log().read_stream(stream_of(record.conversation_id), after=2)
    assert {(event.metadata.actor, event.metadata.session, event.metadata.correlation) for event in events} == {
        (owner_id, "s1", "t1")
    }
    assert [event.metadata.causation for event in events] == [
        "",
        events[0].event_id.hex,
        events[0].event_id.hex,
        events[2].event_id.hex,
    ]


async def test_a_resumed_conversation_has_its_history(owner_id: str) -> None:
    first = await start(owner_id)
    await turn(first, 1)
    await turn(first, 2)
    live = await first.history()
    await first.close("client_left")

    resumed = await start(owner_id, first.conversation_id, session="s2")

    assert await resumed.history() == live
    assert [item.text for item in live] == ["question 1", "answer 1.", "question 2", "answer 2."]
    await turn(resumed, 3)
    assert len(await resumed.history()) == 6


async def test_history_takes_in_what_another_session_appended(owner_id: str) -> None:
    first = await start(owner_id)
    second = await start(owner_id, first.conversation_id, session="s2")
    await first.append(UserWrote(item_id="u1", text="from the first"), turn_id="t1")
    await second.append(UserWrote(item_id="u2", text="from the second"), turn_id="t2")
    await first.append(UserWrote(item_id="u3", text="again"), turn_id="t3")
    assert [item.item_id for item in await first.history()] == ["u1", "u2", "u3"]
    assert await first.history() == await second.history()


async def test_anothers_conversation_is_not_there(owner_id: str, other_id: str) -> None:
    record = await start(owner_id)
    for conversation_id in (record.conversation_id, str(uuid.uuid4()), "nonsense", ""):
        with pytest.raises(ConversationNotFound):
            await start(other_id, conversation_id)
        with pytest.raises(ConversationNotFound):
            await event_log().read(functools.partial(selectors.read_conversation, other_id, conversation_id))
    assert len(await record.facts_after(0)) == 2, "the attempts left nothing behind"


@pytest.mark.parametrize("nobody", ["nonsense", "0198a000-0000-7000-8000-00000000dead"])
async def test_nobody_cannot_have_a_conversation(owner_id: str, nobody: str) -> None:
    with pytest.raises(UnknownOwner):
        await start(nobody)
    assert await event_log().read(Event.objects.count) == 0


async def test_many_tasks_may_append_at_once(owner_id: str) -> None:
    record = await start(owner_id)
    await asyncio.gather(
        *(record.append(UserWrote(item_id=f"u{n}", text=str(n)), turn_id=f"t{n % 7}") for n in range(60))
    )
    assert [place.sequence for place in await record.facts_after(0)] == list(range(1, 63))
    assert len(await record.history()) == 60


async def test_a_repeated_key_appends_once(owner_id: str) -> None:
    record = await start(owner_id)
    fact = UserWrote(item_id="u1", text="hello")
    first = await record.append(fact, turn_id="t1", idempotency_key="k")
    await record.append(UserWrote(item_id="u2", text="more"), turn_id="t1")
    assert await record.append(fact, turn_id="t1", idempotency_key="k") == first
    with pytest.raises(IdempotencyMismatch):
        await record.append(UserWrote(item_id="u1", text="other"), turn_id="t1", idempotency_key="k")
    assert len(await record.facts_after(0)) == 4
    assert len(await record.history()) == 2


async def test_closing_is_recorded_once(owner_id: str) -> None:
    record = await start(owner_id)
    await record.close("idle")
    await record.close("again")
    facts = [place.fact for place in await record.facts_after(2)]
    assert facts == [SessionClosed(session_id="s1", reason="idle")]


async def test_sound_comes_back_as_it_was_said(owner_id: str, other_id: str) -> None:
    record = await start(owner_id)
    tone = (np.sin(np.arange(24_000) * 2 * np.pi * 440 / 24_000) * 8000).astype(np.int16)
    audio_id = await record.save_audio("t1", tone.tobytes())
    await record.append(UserSpoke(item_id="u1", audio_id=audio_id, duration_ms=1000), turn_id="t1")

    def read() -> bytes:
        return selectors.open_audio(owner_id, record.conversation_id, audio_id).read()

    stored = await event_log().read(read)
    assert stored.startswith(b"OggS")
    sound = np.frombuffer(decode_opus(stored), np.int16).astype(float)
    assert len(sound) == len(tone)
    middle = slice(6_000, 18_000)
    assert np.corrcoef(sound[middle], tone[middle])[0, 1] > 0.95
    for owner, error in ((other_id, ConversationNotFound), (owner_id, AudioMissing)):
        wanted = audio_id if error is ConversationNotFound else os.urandom(16).hex()
        with pytest.raises(error):
            await event_log().read(functools.partial(selectors.open_audio, owner, record.conversation_id, wanted))


async def test_erased_turns_leave_history_and_take_no_more(owner_id: str) -> None:
    record = await start(owner_id)
    await turn(record, 1)
    await turn(record, 2)
    audio_id = await record.save_audio("t1", bytes(4800))
    await record.append(UserSpoke(item_id="u9", audio_id=audio_id, duration_ms=100), turn_id="t1")

    await event_log().write(functools.partial(keys.destroy, stream_of(record.conversation_id), "t1"))

    resumed = await start(owner_id, record.conversation_id)
    assert [item.text for item in await resumed.history()] == ["question 2", "answer 2."]
    redacted = [place.sequence for place in await resumed.facts_after(0) if place.redacted]
    assert redacted == [4, 5, 6]
    with pytest.raises(AudioMissing):
        await event_log().read(functools.partial(selectors.open_audio, owner_id, record.conversation_id, audio_id))
    with pytest.raises(KeyDestroyed):
        await resumed.append(UserWrote(item_id="u8", text="late"), turn_id="t1")
    with pytest.raises(KeyDestroyed):
        await resumed.save_audio("t1", bytes(4800))
