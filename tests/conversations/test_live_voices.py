"""A profile of the voices app speaks in a live session until its owner, or a manager, takes it back."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from conversations import lending
from conversations.events import ReplyHeard, ReplyVoiced, VoiceStopped
from conversations.models import Turn
from conversations.oversight import broadcast
from inference.types import SpeechMade
from tests.conversations.moderators import LiveSocket, in_thread, live_session
from tests.fake_engines import FakeEngines
from tests.voices import making
from voices import services
from voices.models import Utterance

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "The first sentence is a long one. The second sentence is even longer than that."
WITHIN_S = 1.0


@pytest.fixture
def ada() -> Any:
    return making.person("ada")


@pytest.fixture
def bob() -> Any:
    return making.person("bob")


@pytest.fixture
def manager() -> Any:
    return making.person("mia", "approve_voice", "revoke_voice")


def slow_voice() -> FakeEngines:
    engines = FakeEngines(replies=[LONG])
    engines.seconds_per_letter = 0.1
    return engines


async def choose(socket: LiveSocket, voice: str) -> str:
    await socket.say("session.update", session={"type": "realtime", "audio": {"output": {"voice": voice}}})
    updated = await socket.until("session.updated")
    return str(updated["session"]["audio"]["output"]["voice"])


async def ask(socket: LiveSocket) -> None:
    await socket.write("Talk.")
    await socket.say("response.create")


async def test_one_s_own_voice_speaks_and_leaves_a_record_of_its_origin(ada: Any) -> None:
    voice = await in_thread(lambda: making.usable(ada))
    engines = FakeEngines()
    async with live_session(ada, engines) as socket:
        assert await choose(socket, voice) == voice
        await ask(socket)
        await socket.until("response.done")
        await socket.until("avatar.heard")
    reference = engines.references[0]
    assert reference is not None
    assert reference.transcript == making.TRANSCRIPT
    rows = await in_thread(lambda: list(Utterance.objects.order_by("opened_at")))
    facts = await in_thread(lambda: socket.facts(ReplyVoiced))
    assert [str(row.id) for row in rows] == [fact["utterance_id"] for fact in facts]
    whose = {(str(row.owner), str(row.speaker), row.door) for row in rows}
    assert whose == {(str(ada.pk), str(ada.pk), "realtime")}
    assert all(row.closed_at is not None and row.watermarked and row.complete for row in rows)
    turn = await in_thread(lambda: Turn.objects.get(conversation_id=UUID(socket.conversation_id)))
    assert (turn.cloned, turn.voice, turn.speech_engine) == (True, voice, "fake")


@pytest.mark.parametrize("away", [1, 2])
async def test_the_record_names_the_voice_that_spoke_instead(ada: Any, away: int) -> None:
    class StandIn(FakeEngines):
        def made(self, made: SpeechMade) -> SpeechMade:
            missing = len(self.spoken) <= away
            return SpeechMade("fake", "fake-tts", "bert", fallback="cloning_unavailable") if missing else made

    voice = await in_thread(lambda: making.usable(ada))
    async with live_session(ada, StandIn(replies=[LONG])) as socket:
        await choose(socket, voice)
        await ask(socket)
        await socket.until("response.done")
    turn = await in_thread(lambda: Turn.objects.get(conversation_id=UUID(socket.conversation_id)))
    assert (turn.cloned, turn.voice) == ((False, "bert") if away == 2 else (True, voice))


async def test_another_s_voice_is_not_there_until_it_is_shared(ada: Any, bob: Any, manager: Any) -> None:
    voice = await in_thread(lambda: making.usable(ada))
    async with live_session(bob) as socket:
        assert await choose(socket, voice) == "anna"
        assert [e["error"]["code"] for e in socket.seen if e["type"] == "error"] == ["voice_not_usable"]
        await in_thread(lambda: services.share(voice, actor=ada))
        await in_thread(lambda: services.approve(voice, actor=manager))
        assert await choose(socket, voice) == voice


def withdrawn(voice: str, owner: Any, manager: Any) -> None:
    services.withdraw_consent(voice, actor=owner)


def revoked(voice: str, owner: Any, manager: Any) -> None:
    services.revoke(voice, actor=manager, reason="impersonation")


def deleted(voice: str, owner: Any, manager: Any) -> None:
    services.delete(voice, actor=owner)


def unshared(voice: str, owner: Any, manager: Any) -> None:
    services.unshare(voice, actor=owner)


@pytest.mark.parametrize("ends", [withdrawn, revoked, deleted, unshared])
async def test_a_voice_that_is_taken_back_falls_silent_in_mid_sentence(
    ada: Any, bob: Any, manager: Any, ends: Callable[[str, Any, Any], None]
) -> None:
    voice = await in_thread(lambda: making.shared(ada, manager))
    engines = slow_voice()
    async with live_session(bob, engines) as socket:
        assert await choose(socket, voice) == voice
        await ask(socket)
        await socket.until("response.output_audio.delta")
        began = time.monotonic()
        ending = asyncio.create_task(asyncio.to_thread(ends, voice, ada, manager))
        told = await socket.until("avatar.voice_stopped")
        assert time.monotonic() - began < WITHIN_S
        assert told["voice"] == voice
        await ending
        assert await socket.until("avatar.speech")
        await socket.say("response.cancel")
        assert (await socket.until("response.done"))["response"]["status"] == "cancelled"
        assert await choose(socket, voice) == "anna"
    assert engines.references[-1] is None
    fact = (await in_thread(lambda: socket.facts(VoiceStopped)))[0]
    assert (fact["voice"], fact["session_id"]) == (voice, socket.session_id)
    assert fact["reason"] == ("impersonation" if ends is revoked else ends.__name__)
    assert (await in_thread(lambda: socket.facts(ReplyHeard)))[-1]["complete"] is False


async def test_a_voice_that_no_poke_tells_of_falls_silent_all_the_same(
    ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from another process without Redis."""
    monkeypatch.setattr(broadcast, "_send", lambda *_: asyncio.sleep(0))
    voice = await in_thread(lambda: making.usable(ada))
    async with live_session(ada, slow_voice()) as socket:
        await choose(socket, voice)
        await ask(socket)
        await socket.until("response.output_audio.delta")
        await asyncio.to_thread(services.withdraw_consent, voice, actor=ada)
        await socket.until("avatar.voice_stopped", within_s=lending.LOOK_S + 1)


async def test_who_no_longer_shares_a_voice_may_still_use_it(ada: Any, manager: Any) -> None:
    voice = await in_thread(lambda: making.shared(ada, manager))
    async with live_session(ada, slow_voice()) as socket:
        await choose(socket, voice)
        await ask(socket)
        await socket.until("response.output_audio.delta")
        await asyncio.to_thread(services.unshare, voice, actor=ada)
        with pytest.raises(TimeoutError):
            await socket.until("avatar.voice_stopped", within_s=0.5)
