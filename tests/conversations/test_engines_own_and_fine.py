"""A conversation in the speaker's own voice by F5-TTS' real package, and in fine speech by a second AVATAR, by URL."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from inference.client import EngineClient
from tests.conversations.microphone import Microphone, speech
from tests.engine_host import wait_for
from tests.engines import f5_settings, python_of
from tests.server import Stack

pytestmark = [pytest.mark.models, pytest.mark.engines, pytest.mark.server, pytest.mark.timeout(600)]
LOAD_S, WITHIN_S = 300.0, 120.0
KEY = """
from django.contrib.auth import get_user_model
from tests.conversations.api_helpers import key_of
owner, _ = get_user_model().objects.get_or_create(username="another-avatar")
print(key_of(owner, "audio"))
"""
ORIGINS = """
import json
from voices.models import Utterance
print(json.dumps(list(Utterance.objects.order_by("opened_at").values_list("voice", "engine", "watermarked"))))
"""
LONG_ENOUGH = (
    "The garden behind the old house was quiet in the morning, and a small brown bird sat on the fence and sang."
)


@pytest.fixture(scope="module")
def installation(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Clones by F5; ``stack`` is its fine speech server."""
    python_of("watermark")
    key = stack.manage("shell", "--no-imports", "-v", "0", "-c", KEY).split()[-1]
    fine = {"AVATAR_FINE_SPEECH": f"{stack.base_url}/v1", "AVATAR_FINE_SPEECH_API_KEY": key}
    with Stack(tmp_path_factory.mktemp("own-and-fine"), {**f5_settings(), **fine}) as running:
        wait_for(lambda: set(states(running)) == {"ready"}, "F5, the watermark and the fine server", LOAD_S)
        yield running


def states(stack: Stack) -> list[str]:
    engines = stack.health()[1]["engines"]
    assert isinstance(engines, list)
    return [engine["state"] for engine in engines]


class Talk:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next event of that type with those values."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                event: dict[str, Any] = json.loads(await self.socket.recv())
                self.seen.append(event)
                if event["type"] == kind and fields.items() <= event.items():
                    return event

    async def ask(self, text: str) -> list[dict[str, Any]]:
        """Who spoke the sentences of the answer."""
        self.seen.clear()
        content = [{"type": "input_text", "text": text}]
        await self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        await self.send("response.create")
        assert (await self.until("response.done"))["response"]["status"] in {"completed", "incomplete"}
        return [event for event in self.seen if event["type"] == "avatar.speech"]

    def sound(self) -> bytes:
        deltas = (event["delta"] for event in self.seen if event["type"] == "response.output_audio.delta")
        return b"".join(base64.b64decode(delta) for delta in deltas)


@asynccontextmanager
async def talking(stack: Stack) -> AsyncIterator[Talk]:
    address = f"{stack.ws_url}/v1/realtime?extras=avatar"
    async with websockets.connect(address, max_size=None, additional_headers={"Authorization": "Bearer ada"}) as socket:
        talk = Talk(socket)
        await talk.until("session.created")
        await talk.send("session.update", session={"type": "realtime", "instructions": "Answer in one short sentence."})
        await talk.until("session.updated")
        yield talk


@asynccontextmanager
async def microphone(talk: Talk) -> AsyncIterator[Microphone]:
    async def send(pcm: bytes) -> None:
        await talk.send("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    device = Microphone(send)
    running = asyncio.create_task(device.run())
    try:
        yield device
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_answers_are_in_the_speakers_own_voice_until_they_take_it_back(installation: Stack) -> None:
    said = await speech(installation, LONG_ENOUGH)
    async with talking(installation) as talk, EngineClient(installation.environment["AVATAR_ENGINE_URL"]) as engines:
        await talk.send("avatar.self_voice.update", consent=True)
        await talk.until("avatar.self_voice.updated", state="collecting")
        assert not any(event["cloned"] for event in await talk.ask("Say good morning."))
        async with microphone(talk) as device:
            device.say(said)
            await talk.until("avatar.self_voice.updated", state="ready")
        await talk.until("response.done")

        speakers = await talk.ask("Say good evening to everybody in the house.")
        assert {(one["engine"], one["voice"], one["cloned"], one["watermarked"]) for one in speakers} == {
            ("f5", "self", True, True)
        }
        assert (await engines.detect_watermark(talk.sound())).present

        await talk.send("avatar.self_voice.update", consent=False)
        await talk.until("avatar.self_voice.updated", state="off")
        assert not any(event["cloned"] for event in await talk.ask("Say good night."))
    origins = json.loads(installation.manage("shell", "--no-imports", "-v", "0", "-c", ORIGINS))
    assert origins
    assert {tuple(one) for one in origins} == {("self", "f5", True)}


async def test_fine_speech_comes_from_the_second_avatar_and_a_cloned_voice_from_this_one(installation: Stack) -> None:
    async with talking(installation) as talk:

        async def speaks(**session: Any) -> set[tuple[str, str, str, str]]:
            await talk.send("session.update", session={"type": "realtime", **session})
            await talk.until("session.updated")
            speakers = await talk.ask("Say good morning.")
            return {(one["engine"], one["voice"], one["quality"], one["fallback"]) for one in speakers}

        voice = {"output": {"voice": "hibari-gb"}}
        assert await speaks(audio=voice, avatar={"quality": "fine"}) == {("url", "hibari-gb", "fine", "")}
        assert len(talk.sound()) > 12_000
        assert await speaks(avatar={"quality": "fast"}) == {("hibari", "hibari-gb", "fast", "")}
