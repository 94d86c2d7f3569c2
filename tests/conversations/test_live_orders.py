"""A moderator mutes and ends a live session, and the session obeys: from this process, or from another one."""

import asyncio
import base64
import time
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError

from conversations.errors import Invalid, NotAllowed, SessionNotFound, WrongState
from conversations.events import ReplyHeard, SessionClosed, SessionCut, SessionMuted, UserWrote
from conversations.models import Session, Turn
from conversations.oversight import broadcast, orders
from conversations.services import erasure, live, moderation
from tests.conversations.moderators import in_thread, live_session, moderator, person
from tests.conversations.talker import loud
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "The first sentence is a long one. The second sentence is even longer than that. And then a third follows."


@pytest.fixture
def ana() -> Any:
    return person("ana")


@pytest.fixture
def mod() -> Any:
    return moderator("mute_session", "cut_session")


def slow_voice() -> FakeEngines:
    engines = FakeEngines(replies=[LONG])
    engines.seconds_per_letter = 0.1
    return engines


async def test_a_muted_session_falls_silent_within_a_second(ana: Any, mod: Any) -> None:
    async with live_session(ana, slow_voice()) as socket:
        await socket.write("Talk.")
        await socket.say("response.create")
        await socket.until("response.output_audio.delta")
        began = time.monotonic()
        await in_thread(lambda: live.mute(socket.session_id, actor=mod, reason="abuse"))
        told = await socket.until("avatar.moderation")
        assert time.monotonic() - began < 1.0
        assert (told["muted"], told["reason"]) == (True, "abuse")
        assert "session_muted" in [e["error"]["code"] for e in socket.seen if e["type"] == "error"]
        done = await socket.until("response.done")
        assert done["response"]["status"] == "cancelled"
        fact = (await in_thread(lambda: socket.facts(SessionMuted)))[0]
        assert (fact["session_id"], fact["muted"], fact["actor"]) == (socket.session_id, True, str(mod.pk))
        assert await in_thread(lambda: Session.objects.get(session_id=socket.session_id).muted)
    heard = await in_thread(lambda: socket.facts(ReplyHeard))
    assert heard[0]["complete"] is False


async def test_nothing_is_heard_of_a_muted_session_and_it_says_nothing(ana: Any, mod: Any) -> None:
    engines = FakeEngines()
    async with live_session(ana, engines) as socket:
        await in_thread(lambda: live.mute(socket.session_id, actor=mod, reason="abuse"))
        await socket.until("avatar.moderation")
        await socket.say("input_audio_buffer.append", audio=base64.b64encode(loud(1.0)).decode())
        await socket.write("Can you read me?")
        assert (await socket.until("error"))["error"]["code"] == "session_muted"
        await socket.say("response.create")
        assert (await socket.until("error"))["error"]["code"] == "session_muted"
        assert "input_audio_buffer.speech_started" not in [event["type"] for event in socket.seen]
        assert (engines.transcribed, engines.requests) == ([], [])
        assert await in_thread(lambda: socket.facts(UserWrote)) == []

        await in_thread(lambda: live.unmute(socket.session_id, actor=mod, reason="resolved"))
        assert (await socket.until("avatar.moderation"))["muted"] is False
        await socket.write("And now?")
        await socket.say("response.create")
        await socket.until("response.done")
        assert [fact["muted"] for fact in await in_thread(lambda: socket.facts(SessionMuted))] == [True, False]


async def test_an_ended_session_says_why_and_closes_within_a_second(ana: Any, mod: Any) -> None:
    async with live_session(ana, slow_voice()) as socket:
        await socket.write("Talk.")
        await socket.say("response.create")
        await socket.until("response.output_audio.delta")
        began = time.monotonic()
        await in_thread(lambda: live.cut(socket.session_id, actor=mod, reason="danger"))
        assert (await socket.until("error"))["error"]["code"] == "forbidden"
        assert await socket.closed() == 4403
        assert time.monotonic() - began < 1.0
        await socket.wait(5)
    assert (await in_thread(lambda: socket.facts(SessionCut)))[0]["actor"] == str(mod.pk)
    assert (await in_thread(lambda: socket.facts(SessionClosed)))[0]["reason"] == "cut: danger"
    assert (await in_thread(lambda: Session.objects.get(session_id=socket.session_id))).close_reason == "cut: danger"


async def test_an_order_that_no_poke_brings_arrives_all_the_same(
    ana: Any, mod: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from another process without Redis: the fact is in the log, and nobody says so."""
    monkeypatch.setattr(broadcast, "_send", lambda *_: asyncio.sleep(0))
    async with live_session(ana) as socket:
        began = time.monotonic()
        await in_thread(lambda: live.mute(socket.session_id, actor=mod, reason="abuse"))
        await socket.until("avatar.moderation", within_s=orders.LOOK_S + 2)
        await in_thread(lambda: live.cut(socket.session_id, actor=mod, reason="abuse"))
        assert await socket.closed() == 4403
        assert time.monotonic() - began < 2 * orders.LOOK_S + 2
        await socket.wait(5)


async def test_another_session_does_not_hear_it(ana: Any, mod: Any) -> None:
    async with live_session(ana) as first, live_session(ana) as second:
        await in_thread(lambda: live.cut(first.session_id, actor=mod, reason="abuse"))
        assert await first.closed() == 4403
        await second.write("Still here?")
        await second.say("response.create")
        await second.until("response.done")


async def test_coming_back_is_no_way_out_of_a_mute(ana: Any, mod: Any) -> None:
    async with live_session(ana) as socket:
        await in_thread(lambda: live.mute(socket.session_id, actor=mod, reason="abuse"))
        await socket.until("avatar.moderation")
        conversation_id = socket.conversation_id
    async with live_session(ana, conversation_id=conversation_id) as again:
        assert (await again.until("avatar.moderation"))["muted"] is True
        assert again.seen[0]["type"] == "session.created"
        assert await in_thread(lambda: Session.objects.get(session_id=again.session_id).muted)
        await in_thread(lambda: live.unmute(again.session_id, actor=mod, reason="resolved"))
        assert (await again.until("avatar.moderation"))["muted"] is False
    async with live_session(ana, conversation_id=conversation_id) as free:
        await free.write("At last.")
        await free.say("response.create")
        await free.until("response.done")


async def test_an_order_given_before_the_session_listened_is_not_missed(ana: Any, mod: Any) -> None:
    async with live_session(ana) as socket:
        after = await in_thread(lambda: orders.opened_at(f"conversation-{socket.conversation_id}", socket.session_id))
        await in_thread(lambda: live.mute(socket.session_id, actor=mod, reason="abuse"))
        _, told = await in_thread(lambda: orders.read_orders(socket.conversation_id, socket.session_id, after))
        assert [order.kind for order in told] == ["mute"]


async def test_a_log_that_fails_for_a_moment_repeats_no_order(
    ana: Any, mod: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.realtime.oversight.AGAIN_S", 0.1)
    monkeypatch.setattr(orders, "LOOK_S", 0.1)
    async with live_session(ana) as socket:
        await in_thread(lambda: live.mute(socket.session_id, actor=mod, reason="abuse"))
        await socket.until("avatar.moderation")
        await in_thread(lambda: live.unmute(socket.session_id, actor=mod, reason="resolved"))
        await socket.until("avatar.moderation")
        read, failed = orders.read_orders, asyncio.Event()

        def fails_once(*args: Any) -> Any:
            if not failed.is_set():
                failed.set()
                raise OSError("the database is away")
            return read(*args)

        monkeypatch.setattr(orders, "read_orders", fails_once)
        async with asyncio.timeout(5):
            await failed.wait()
        told = len([event for event in socket.seen if event["type"] == "avatar.moderation"])
        await socket.write("Still here?")
        await socket.say("response.create")
        await socket.until("response.done")
        await in_thread(lambda: live.mute(socket.session_id, actor=mod, reason="abuse"))
        await socket.until("avatar.moderation")
        assert len([event for event in socket.seen if event["type"] == "avatar.moderation"]) == told + 1


async def test_a_database_that_is_away_ends_no_conversation(ana: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: str) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("conversations.oversight.presence.renew", away)
    async with live_session(ana) as socket:
        await socket.write("Still here?")
        await socket.say("response.create")
        await socket.until("response.done")


async def test_a_redacted_turn_leaves_the_context_of_the_session(ana: Any) -> None:
    engines = FakeEngines()
    async with live_session(ana, engines) as socket:
        await socket.write("My secret is blue.")
        await socket.say("response.create")
        await socket.until("response.done")
        await socket.until("avatar.heard")
        turn = await in_thread(lambda: Turn.objects.get().turn_id)
        await in_thread(
            lambda: erasure.redact_turn(socket.conversation_id, turn, actor=ana, reason="request", what="all")
        )
        gone = {(await socket.until("conversation.item.deleted"))["item_id"] for _ in range(2)}
        assert gone == {event["item"]["id"] for event in socket.seen if event["type"] == "conversation.item.added"}
        await socket.write("What is my secret?")
        await socket.say("response.create")
        await socket.until("response.done")
        shown = [message["content"] for message in engines.requests[-1].messages[1:]]
        assert shown == ["What is my secret?"]


async def test_erasing_a_conversation_ends_its_session_at_once(ana: Any) -> None:
    async with live_session(ana) as socket:
        await socket.write("My secret is blue.")
        await socket.until("conversation.item.done")
        began = time.monotonic()
        await in_thread(lambda: erasure.erase_conversation(socket.conversation_id, actor=ana, reason="request"))
        assert (await socket.until("error"))["error"]["code"] == "conversation_not_found"
        assert await socket.closed() == 4404
        assert time.monotonic() - began < 3.0
        await socket.wait(5)


@pytest.mark.parametrize("poked", [True, False])
async def test_hiding_a_conversation_ends_its_session(ana: Any, poked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    mod = await in_thread(lambda: moderator("hide_conversation", name="hider"))
    if not poked:
        monkeypatch.setattr(broadcast, "_send", lambda *_: asyncio.sleep(0))
    async with live_session(ana) as socket:
        await socket.write("Hello.")
        await socket.until("conversation.item.done")
        await in_thread(lambda: moderation.hide(socket.conversation_id, actor=mod, hidden=False, reason="hate"))
        began = time.monotonic()
        await in_thread(lambda: moderation.hide(socket.conversation_id, actor=mod, hidden=True, reason="hate"))
        assert (await socket.until("error"))["error"]["code"] == "forbidden"
        assert await socket.closed() == 4403
        assert time.monotonic() - began < (1.0 if poked else orders.LOOK_S + 2)
        await socket.wait(5)
    assert (await in_thread(lambda: socket.facts(SessionClosed)))[0]["reason"] == "cut: hate"


async def test_who_may_and_when(ana: Any, mod: Any) -> None:
    without = await in_thread(lambda: moderator("watch_session", name="watcher"))
    async with live_session(ana) as socket:
        for act in (live.mute, live.unmute, live.cut):
            with pytest.raises(NotAllowed):
                await in_thread(partial(act, socket.session_id, actor=without, reason="abuse"))
            with pytest.raises(SessionNotFound):
                await in_thread(partial(act, "sess_nowhere", actor=mod, reason="abuse"))
            with pytest.raises(Invalid):
                await in_thread(partial(act, socket.session_id, actor=mod, reason="Because he said so!"))
        await in_thread(lambda: live.mute(socket.session_id, actor=mod, reason="abuse"))
        await in_thread(lambda: live.mute(socket.session_id, actor=mod, reason="abuse"))
        assert len(await in_thread(lambda: socket.facts(SessionMuted))) == 1
    with pytest.raises(WrongState):
        await in_thread(lambda: live.cut(socket.session_id, actor=mod, reason="abuse"))
