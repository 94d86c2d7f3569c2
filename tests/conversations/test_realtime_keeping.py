"""What is kept, in a live session: chosen at the door and while talking; and what was redacted is forgotten at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from django.contrib.auth import get_user_model
from django.db import connections

from conversations import selectors
from conversations.consumers import RealtimeConsumer
from conversations.events import KeepChanged
from conversations.log.eventlog import event_log
from conversations.models import Conversation
from conversations.oversight.outside import LogAndLayer
from conversations.realtime import refusals
from conversations.realtime.limits import Limits
from conversations.realtime.opening import Wish
from conversations.realtime.session import Session
from conversations.record import ConversationRecord
from conversations.services import erasure, keeping
from conversations.services.access import Actor
from tests.conversations.conversing import person
from tests.conversations.erasing import sounds, stored
from tests.conversations.sockets import Socket, consumer
from tests.conversations.talker import LoudnessVad, Talker, loud, quiet, talking
from tests.fake_engines import FakeEngines


@pytest.fixture
def ada() -> Actor:
    found: Actor = get_user_model().objects.get(pk=person("ada"))
    return found


async def test_the_session_says_what_is_kept_and_changes_it_when_asked() -> None:
    async with talking(wish=Wish(owner_id="a", extras=True, keep="text")) as t:
        assert (await t.until("avatar.conversation"))["keep"] == "text"
        t.say("avatar.keep.update", keep="nothing")
        assert (await t.until("avatar.keep.updated"))["keep"] == "nothing"
        t.say("avatar.keep.update", keep="nothing")
        assert (await t.until("avatar.keep.updated"))["keep"] == "nothing"
        assert t.record.of(KeepChanged) == [KeepChanged(keep="nothing")]
        assert t.errors() == []


async def test_it_is_said_only_once_it_is_recorded() -> None:
    async with talking(wish=Wish(owner_id="a", extras=True)) as t:
        await t.until("avatar.conversation")
        t.record.durable.clear()
        t.say("avatar.keep.update", keep="nothing")
        with pytest.raises(TimeoutError):
            await t.until("avatar.keep.updated", within_s=0.2)
        t.record.durable.set()
        await t.until("avatar.keep.updated")


@pytest.mark.parametrize("keep", ["everything", "", None, 1])
async def test_an_unknown_choice_is_an_error_and_changes_nothing(keep: object) -> None:
    async with talking(wish=Wish(owner_id="a", extras=True)) as t:
        t.say("avatar.keep.update", keep=keep, event_id="e1")
        error = (await t.until("error"))["error"]
        assert (error["code"], error["param"], error["event_id"]) == ("invalid_value", "keep", "e1")
        assert t.record.of(KeepChanged) == []


async def test_a_client_without_the_extras_does_not_know_the_event() -> None:
    async with talking(wish=Wish(owner_id="a")) as t:
        t.say("avatar.keep.update", keep="nothing")
        assert (await t.until("error"))["error"]["code"] == "unknown_event"
        assert t.record.of(KeepChanged) == []


@pytest.mark.parametrize(
    ("query", "keep"), [("keep=nothing", "nothing"), ("keep=text&extras=avatar", "text"), ("", None)]
)
@pytest.mark.django_db(transaction=True)
async def test_the_door_takes_the_choice_along(ada: Actor, query: str, keep: str | None) -> None:
    socket = Socket(RealtimeConsumer(engines=FakeEngines, limits=Limits()), user=ada, query=query)
    await socket.open()
    assert (await socket.event())["type"] == "session.created"
    await socket.leave()
    [kept] = await event_log().read(lambda: list(Conversation.objects.values_list("keep", flat=True)))
    assert kept == (keep or "sound")


@pytest.mark.parametrize("keep", ["everything", "", "Nothing"])
async def test_a_door_that_does_not_understand_the_choice_stays_shut(keep: str) -> None:
    """A guess could record somebody who asked not to be."""
    socket = Socket(consumer(), query=f"extras=avatar&keep={keep}")
    await socket.open()
    assert (await socket.event())["error"]["code"] == "invalid_value"
    assert await socket.closed() == 4400


async def test_sound_that_is_not_kept_does_not_pile_up_in_memory_either() -> None:
    async with talking(wish=Wish(owner_id="a", extras=True, keep="text")) as t:
        answers = []
        for _ in range(4):
            t.write("Hello?")
            t.say("response.create")
            answers.append((await t.until("response.done"))["response"]["output"][0]["id"])
            assert (await t.until("avatar.heard", within_s=10))["complete"]
        sizes = []
        for item_id in answers:
            t.say("conversation.item.retrieve", item_id=item_id)
            sizes.append(len((await t.until("conversation.item.retrieved"))["item"]["content"][0].get("audio") or ""))
        assert sizes[0] == 0
        assert sizes[-1] > 0
        assert t.record.sounds == {}


@asynccontextmanager
async def live(owner_id: str, engines: FakeEngines, **wish: object) -> AsyncIterator[Talker]:
    """A session on the real record, obeying the real log."""
    talker = Talker()
    talker.engines = engines
    talker.session = Session(
        Wish(owner_id=owner_id, extras=True, **wish),  # type: ignore[arg-type]
        send=talker.take,
        engines=engines,
        open_record=ConversationRecord.open,
        vad=LoudnessVad(),
        limits=Limits(),
        outside=LogAndLayer(),
    )
    running = asyncio.create_task(talker.session.run())
    try:
        await talker.until("session.created")
        yield talker
    finally:
        talker.session.end(refusals.DISCONNECTED)
        async with asyncio.timeout(10):
            await running


async def elsewhere(work: Callable[[], None]) -> None:
    """On a thread of its own, as another request is served while the session goes on."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    await asyncio.to_thread(run)


async def ask(t: Talker) -> None:
    """Says something aloud and waits for the answer's end."""
    for piece in (loud(1.0), quiet(1.5)):
        t.hear(piece)
    await t.until("response.done")


def shown(engines: FakeEngines) -> str:
    """What the chat model was shown last."""
    return str(engines.requests[-1].messages)


@pytest.mark.django_db(transaction=True)
async def test_a_private_conversation_is_remembered_by_the_session_alone(ada: Actor) -> None:
    owner = str(ada.pk)
    engines = FakeEngines(heard=("My secret is zirconium.",), replies=("Zirconium it is.", "You said it before."))
    before = sounds()
    async with live(owner, engines, keep="nothing") as t:
        conversation = (await t.until("avatar.conversation"))["conversation_id"]
        await ask(t)
        t.write("What did I say?")
        t.say("response.create")
        await t.until("response.done")
        assert "My secret is zirconium." in shown(engines)
        assert "Zirconium it is." in shown(engines)
    view = await event_log().read(lambda: selectors.read_conversation(owner, conversation))
    assert len(view.turns) == 2
    assert {turn.user_text + turn.generated_text + turn.heard_text for turn in view.turns} == {""}
    assert sounds() == before
    assert b"zirconium" not in (await event_log().read(stored)).lower()


@pytest.mark.django_db(transaction=True)
async def test_a_live_session_forgets_a_turn_that_was_redacted(ada: Actor) -> None:
    owner = str(ada.pk)
    engines = FakeEngines(heard=("My secret is zirconium.",), replies=("Zirconium it is.", "I do not know."))
    async with live(owner, engines) as t:
        conversation = (await t.until("avatar.conversation"))["conversation_id"]
        await ask(t)
        view = await event_log().read(lambda: selectors.read_conversation(owner, conversation))
        turn_id = view.turns[0].turn.turn_id
        await elsewhere(lambda: erasure.redact_turn(conversation, turn_id, actor=ada, reason="request"))
        await t.until("conversation.item.deleted")
        await t.until("conversation.item.deleted")
        t.write("What was my secret?")
        t.say("response.create")
        await t.until("response.done")
        assert "irconium" not in shown(engines)
        assert "What was my secret?" in shown(engines)
        assert t.errors() == []


@pytest.mark.django_db(transaction=True)
async def test_a_choice_made_elsewhere_is_told_to_the_live_session_and_its_own_only_once(ada: Actor) -> None:
    async with live(str(ada.pk), FakeEngines()) as t:
        conversation = (await t.until("avatar.conversation"))["conversation_id"]
        await elsewhere(lambda: keeping.choose(conversation, "nothing", actor=ada))
        assert (await t.until("avatar.keep.updated"))["keep"] == "nothing"
        t.say("avatar.keep.update", keep="text")
        assert (await t.until("avatar.keep.updated"))["keep"] == "text"
        await elsewhere(lambda: keeping.choose(conversation, "sound", actor=ada))
        assert (await t.until("avatar.keep.updated"))["keep"] == "sound"
        assert [event["keep"] for event in t.seen if event["type"] == "avatar.keep.updated"] == [
            "nothing",
            "text",
            "sound",
        ]


@pytest.mark.django_db(transaction=True)
async def test_a_live_session_ends_with_its_conversation(ada: Actor) -> None:
    owner = str(ada.pk)
    engines = FakeEngines()
    async with live(owner, engines) as t:
        conversation = (await t.until("avatar.conversation"))["conversation_id"]
        await ask(t)
        await elsewhere(lambda: erasure.erase_conversation(conversation, actor=ada, reason="request"))
        assert (await t.until("error"))["error"]["code"] == "conversation_not_found"
