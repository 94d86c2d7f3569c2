"""A conversation whose chat model is vLLM and whose voice is F5-TTS' worker, each killed in mid-turn.

The real packages in their own environments; SmolLM2 answers, and F5's weights are random: its sound is noise, marked.
"""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from tests.conversations.lend_voice import Withdrawal, lend_voice
from tests.engines import f5_settings, python_of, smollm2
from tests.server import Stack

pytestmark = [pytest.mark.models, pytest.mark.engines, pytest.mark.server]
WITHIN_S = 180.0
VLLM = {
    "AVATAR_CHAT_ENGINE": "vllm",
    "AVATAR_CHAT_CONTEXT_TOKENS": "1024",
    "AVATAR_VLLM_SESSION_MB": "32",
    "AVATAR_VLLM_MEMORY_MB": "1500",
}


@pytest.fixture(scope="module")
def gpu_like(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An installation as on a machine with a GPU, but for the GPU."""
    python_of("watermark")
    settings = {**VLLM, "AVATAR_VLLM_MODEL": str(smollm2()), **f5_settings()}
    with Stack(tmp_path_factory.mktemp("engines"), settings) as running:
        yield running


@pytest.fixture
def voice(gpu_like: Stack) -> str:
    return lend_voice(gpu_like)


class Talk:
    """A client with the extras, in the borrowed voice."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(WITHIN_S):
            while True:
                event: dict[str, Any] = json.loads(await self.socket.recv())
                self.seen.append(event)
                if event["type"] == kind:
                    return event

    async def choose(self, voice: str) -> str:
        await self.say("session.update", session={"type": "realtime", "audio": {"output": {"voice": voice}}})
        return str((await self.until("session.updated"))["session"]["audio"]["output"]["voice"])

    async def ask(self, text: str) -> None:
        self.seen.clear()
        content = [{"type": "input_text", "text": text}]
        await self.say("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        await self.say("response.create")

    @property
    def speakers(self) -> list[tuple[str, bool, bool]]:
        """Engine, cloned, watermarked."""
        spoken = [event for event in self.seen if event["type"] == "avatar.speech"]
        return [(event["engine"], event["cloned"], event["watermarked"]) for event in spoken]

    @property
    def sound_s(self) -> float:
        deltas = (event["delta"] for event in self.seen if event["type"] == "response.output_audio.delta")
        return sum(len(base64.b64decode(delta)) for delta in deltas) / 48_000


def connect(stack: Stack) -> websockets.connect:
    address = f"{stack.ws_url}/v1/realtime?extras=avatar"
    return websockets.connect(address, max_size=None, additional_headers={"Authorization": "Bearer of-ada"})


def processes(stack: Stack, word: str) -> list[psutil.Process]:
    """Of the engine that this word is in the command of."""
    host = psutil.Process(stack.pid("engines"))
    return [one for one in host.children(recursive=True) if any(word in part for part in one.cmdline())]


async def cloning(talk: Talk) -> None:
    """Returns once F5's voice and the watermark are there."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            await talk.ask("Say that it is a fine day.")
            await talk.until("response.done")
            if talk.speakers[:1] == [("f5", True, True)]:
                return
            await asyncio.sleep(2)


async def test_vllm_answers_in_f5_s_voice_and_each_may_die_in_mid_turn(gpu_like: Stack, voice: str) -> None:
    async with connect(gpu_like) as socket:
        talk = Talk(socket)
        assert await talk.choose(voice) == voice
        await cloning(talk)

        await talk.ask("Tell me a long story about a little house in the mountains.")
        done = await talk.until("response.done")
        assert done["response"]["status"] in {"completed", "incomplete"}
        assert len(done["response"]["output"][0]["content"][0]["transcript"].split()) > 5
        assert processes(gpu_like, "vllm.entrypoints"), "and it was vLLM that answered"
        assert set(talk.speakers) == {("f5", True, True)}
        assert talk.sound_s > 1
        assert int(lend_voice(gpu_like, "closed", voice)) >= 2

        # F5 in mid-sentence: that sentence is said again by another voice, the answer goes on.
        await talk.ask("Tell me another long story, about the sea.")
        await talk.until("response.output_audio.delta")
        for process in processes(gpu_like, "inference.workers.f5"):
            process.kill()
        done = await talk.until("response.done")
        assert done["response"]["status"] in {"completed", "incomplete"}
        assert talk.speakers[0] == ("f5", True, True)
        await cloning(talk)

        # vLLM in mid-turn: that answer ends with an honest sentence, the session lives, the server comes back.
        await talk.ask("Count slowly from one to five hundred.")
        await talk.until("response.output_audio.delta")
        for process in processes(gpu_like, "vllm.entrypoints"):
            process.kill()
        assert (await talk.until("response.done"))["response"]["status"] in {"completed", "incomplete", "failed"}
        async with asyncio.timeout(WITHIN_S):
            while True:
                await talk.ask("Are you there again?")
                if (await talk.until("response.done"))["response"]["status"] in {"completed", "incomplete"}:
                    break


async def test_consent_taken_back_silences_f5_in_mid_sentence(gpu_like: Stack, voice: str) -> None:
    withdrawal = await asyncio.to_thread(Withdrawal, gpu_like, voice)
    async with connect(gpu_like) as socket:
        talk = Talk(socket)
        assert await talk.choose(voice) == voice
        await cloning(talk)
        await talk.ask("Tell me a long story about a little house in the mountains.")
        await talk.until("response.output_audio.delta")
        await asyncio.to_thread(withdrawal.now)
        stopped = await talk.until("avatar.voice_stopped")
        assert stopped["voice"] == voice
        began = len(talk.seen)
        assert (await talk.until("response.done"))["response"]["status"] in {"completed", "incomplete"}
        later = [event for event in talk.seen[began:] if event["type"] == "avatar.speech"]
        assert later
        assert not any(event["cloned"] for event in later)
        assert await talk.choose(voice) != voice
