"""Built-in voices in a conversation: who speaks is told, also when it is not the voice that was asked for."""

import json
from typing import Any

import pytest
import websockets

from conversations.events import ReplyVoiced
from inference.types import SpeechMade
from tests.conversations.talker import talking
from tests.fake_engines import FakeEngines
from tests.server import Stack


async def test_the_name_goes_to_the_host_as_it_was_given_and_its_answer_is_told_and_recorded() -> None:
    engines = FakeEngines(replies=["One sentence is enough today."])
    asked: list[str] = []

    def made(made: SpeechMade) -> SpeechMade:
        asked.append(made.voice)
        return SpeechMade("fake", "fake-tts", "anna", fallback="voice_unknown")

    engines.made = made  # type: ignore[method-assign]
    async with talking(engines) as t:
        t.configure(audio={"output": {"voice": "alloy"}})
        updated = await t.until("session.updated")
        assert updated["session"]["audio"]["output"]["voice"] == "anna", "and it says at once which it will be"
        t.write("Hello.")
        t.say("response.create")
        await t.until("response.done")
        told = t.last("avatar.speech")
    assert asked == ["alloy"]
    assert (told["voice"], told["fallback"], told["cloned"]) == ("anna", "voice_unknown", False)
    [fact] = t.record.of(ReplyVoiced)
    assert (fact.voice, fact.fallback) == ("anna", "voice_unknown")


@pytest.mark.models
@pytest.mark.server
async def test_over_the_wire_an_unknown_voice_is_told_with_every_sentence(stack: Stack) -> None:
    address = f"{stack.ws_url}/v1/realtime?extras=avatar"
    fallbacks: dict[str, set[str]] = {}
    async with websockets.connect(address, additional_headers={"Authorization": "Bearer of-ada"}) as socket:
        for voice in ("nobody-has-this", "hibari-gb"):
            audio = {"output": {"voice": voice}}
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hello."}]}
            for sent in (
                {"type": "session.update", "session": {"type": "realtime", "audio": audio}},
                {"type": "conversation.item.create", "item": item},
                {"type": "response.create"},
            ):
                await socket.send(json.dumps(sent))
            event: dict[str, Any] = {}
            while event.get("type") != "response.done":
                event = json.loads(await socket.recv())
                if event["type"] == "avatar.speech":
                    fallbacks.setdefault(voice, set()).add(event["fallback"])
    assert fallbacks["nobody-has-this"] <= {"voice_unknown", "voice_not_ready"}
    assert fallbacks["hibari-gb"] == {""}
