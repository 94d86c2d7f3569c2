"""A conversation whose chat model is vLLM and whose voice is F5-TTS, watermarked.

The real packages. SmolLM2 answers in earnest; the cloned sound is noise of random weights: its way is tested here.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
import websockets
from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection

from inference.client import EngineClient
from inference.errors import EngineUnavailable
from inference.types import HostStatus
from tests.conversations.microphone import Microphone, speech
from tests.engine_host import wait_for
from tests.engines import f5_settings, python_of, smollm2
from tests.server import Stack

pytestmark = [pytest.mark.models, pytest.mark.server, pytest.mark.engines, pytest.mark.timeout(600)]
LOAD_S = 300.0
WITHIN_S = 90.0
ANSWERED = {"completed", "incomplete"}
PERSON = """
import json
from django.contrib.auth import get_user_model
from avatar_project import api_keys
from tests.voices import making
ada = get_user_model().objects.create_user("ada")
voice = making.usable(ada)
key = api_keys.create(ada, name="talk", scopes=["realtime", "audio", "chat"], expires_at=None).key
print(json.dumps({"voice": voice, "key": key}))
"""
TURNS = """
import json
from conversations.models import Turn
from voices.models import Utterance
fields = ("chat_model", "speech_engine", "voice", "cloned", "status")
print(json.dumps({
    "turns": list(Turn.objects.order_by("started_at").values(*fields)),
    "watermarked": list(Utterance.objects.order_by("opened_at").values_list("watermarked", flat=True)),
}))
"""


class Installation(msgspec.Struct):
    stack: Stack
    voice: str
    """Ada's profile."""
    key: str

    async def wait_for_engines(self) -> None:
        """Returns once vLLM, F5 and the watermark are ready."""
        status: HostStatus | None = None
        with suppress(TimeoutError, EngineUnavailable):
            async with asyncio.timeout(LOAD_S), EngineClient(self.stack.environment["AVATAR_ENGINE_URL"]) as client:
                async for status in client.watch_status():
                    if status.ready and all(engine.state == "ready" for engine in status.engines):
                        return
        raise AssertionError(f"not all engines are ready: {status}")

    def told(self, source: str) -> Any:
        return json.loads(self.stack.manage("shell", "--no-imports", "-v", "0", "-c", source))


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    python_of("watermark")
    settings = {
        "AVATAR_CHAT_ENGINE": "vllm",
        "AVATAR_VLLM_MODEL": str(smollm2()),
        "AVATAR_VLLM_MEMORY_MB": "1500",
        "AVATAR_VLLM_SESSION_MB": "48",
        "AVATAR_CHAT_CONTEXT_TOKENS": "2048",
        **f5_settings(),
    }
    stack = Stack(tmp_path_factory.mktemp("engines"), settings)
    stack.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        stack.start_engines()
        stack.manage("migrate", "--verbosity", "0")
        stack.start_web()
        wait_for(lambda: stack.health()[0] == 200, "a conversation being possible", LOAD_S)
        made = Installation(stack, voice="", key="")
        ada = made.told(PERSON)
        made.voice, made.key = ada["voice"], ada["key"]
        asyncio.run(made.wait_for_engines())
        yield made
    finally:
        stack.stop()


class Talk:
    """One session; every event is kept in ``seen``."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[Any] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def until(self, kind: str) -> Any:
        async with asyncio.timeout(WITHIN_S):
            while True:
                event = json.loads(await self.socket.recv())
                self.seen.append(event)
                if event["type"] == kind:
                    return event

    def sound(self) -> bytes:
        deltas = (event["delta"] for event in self.seen if event["type"] == "response.output_audio.delta")
        return b"".join(base64.b64decode(delta) for delta in deltas)


@asynccontextmanager
async def talking(installation: Installation) -> AsyncIterator[Talk]:
    """A session in Ada's own voice."""
    address = f"{installation.stack.ws_url}/v1/realtime"
    headers = {"Authorization": f"Bearer {installation.key}"}
    async with websockets.connect(address, max_size=None, additional_headers=headers) as socket:
        talk = Talk(socket)
        await talk.until("session.created")
        transcription = {"model": "whisper-1", "language": "en"}
        audio = {"input": {"transcription": transcription}, "output": {"voice": installation.voice}}
        await talk.send("session.update", session={"type": "realtime", "audio": audio})
        updated = await talk.until("session.updated")
        assert updated["session"]["audio"]["output"]["voice"] == installation.voice
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


async def test_a_spoken_question_is_thought_about_by_vllm_and_answered_in_a_cloned_voice(
    installation: Installation,
) -> None:
    question = await speech(installation.stack, "What is the capital of France?")
    async with talking(installation) as talk, microphone(talk) as device:
        device.say(question)
        heard = await talk.until("conversation.item.input_audio_transcription.completed")
        assert "capital of france" in heard["transcript"].lower()
        done = await talk.until("response.done")
        assert done["response"]["status"] in ANSWERED
        assert done["response"]["output"][0]["content"][0]["transcript"]
        async with EngineClient(installation.stack.environment["AVATAR_ENGINE_URL"]) as engines:
            found = await engines.detect_watermark(talk.sound())
        assert found.present
    record = installation.told(TURNS)
    last = record["turns"][-1]
    assert last["chat_model"].startswith("chat_from_gguf")
    assert (last["speech_engine"], last["voice"], last["cloned"]) == ("f5", installation.voice, True)
    assert record["watermarked"]
    assert all(record["watermarked"])


async def test_a_program_has_both_through_openais_sdk(installation: Installation) -> None:
    address = f"{installation.stack.base_url}/v1"
    async with AsyncOpenAI(api_key=installation.key, base_url=address, max_retries=0, timeout=WITHIN_S) as client:
        hello: Any = {"role": "user", "content": "Say hello."}
        answer = await client.chat.completions.create(model="any", messages=[hello], max_tokens=16)
        assert answer.model.startswith("chat_from_gguf")
        assert answer.choices[0].message.content
        said = await client.audio.speech.with_raw_response.create(
            model="any",
            voice={"id": installation.voice},
            input="The garden is quiet in the morning, and nobody has opened the gate yet.",
            response_format="pcm",
        )
    told = {name: said.headers[f"x-avatar-{name}"] for name in ("engine", "cloned", "watermarked", "fallback")}
    assert told == {"engine": "f5", "cloned": "True", "watermarked": "True", "fallback": ""}
    async with EngineClient(installation.stack.environment["AVATAR_ENGINE_URL"]) as engines:
        assert (await engines.detect_watermark(said.content)).present
    assert all(installation.told(TURNS)["watermarked"])
