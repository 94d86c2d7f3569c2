"""/v1 on the running server: hanging up stops the work, half an answer is not taken for whole, AVATAR serves AVATAR."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress

import aiohttp
import pytest

from inference.types import WIRE_RATE, ChatRequest
from tests.engine_host import ready, running_host
from tests.inference.test_audio_hostile import HOSTILE
from tests.server import Stack

pytestmark = [pytest.mark.models, pytest.mark.server]
LONG = " ".join(["The weather is nice today, and tomorrow it will be nicer still."] * 60)
PREPARE = """
from django.contrib.auth import get_user_model
from tests.conversations.api_helpers import key_of
from tests.voices import making
owner, _ = get_user_model().objects.get_or_create(username="server-program")
print(key_of(owner, "audio", "chat"), making.usable(owner, "Lent"))
"""


class Program:
    """A client with a key, and a look at what the engine host counts."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        said = stack.manage("shell", "--no-imports", "-v", "0", "-c", PREPARE).split()
        self.key, self.profile = said[-2:]
        self.headers = {"Authorization": f"Bearer {self.key}"}

    def session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(f"{self.stack.base_url}/v1/", headers=self.headers)

    async def cancelled(self, route: str) -> int:
        """How many requests of that route were given up by their client, at the engine host."""
        connector = aiohttp.UnixConnector(str(self.stack.data_dir / "engine.sock"))
        async with aiohttp.ClientSession(connector=connector) as http, http.get("http://host/metrics") as answer:
            text = await answer.text()
        found = re.search(rf'requests_total\{{route="{route}",outcome="cancelled"\}} (\d+)', text)
        return int(found.group(1)) if found else 0

    async def becomes_cancelled(self, route: str, before: int) -> None:
        async with asyncio.timeout(10):
            while await self.cancelled(route) <= before:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def program(stack: Stack) -> Program:
    return Program(stack)


async def first_of(response: aiohttp.ClientResponse) -> bytes:
    async with asyncio.timeout(30):
        return await response.content.readany()


@pytest.mark.parametrize("kind", ["mp3", "pcm"])
async def test_who_hangs_up_on_speech_stops_the_synthesis(program: Program, kind: str) -> None:
    before = await program.cancelled("/v1/audio/speech")
    async with program.session() as http:
        asked = {"input": LONG, "voice": "hibari-us", "response_format": kind}
        response = await http.post("audio/speech", json=asked)
        assert await first_of(response)
        response.close()
        await program.becomes_cancelled("/v1/audio/speech", before)


@pytest.mark.parametrize("stream", [True, False])
async def test_who_hangs_up_on_a_completion_stops_the_generation(program: Program, stream: bool) -> None:
    before = await program.cancelled("/v1/chat/completions")
    asked = {
        "messages": [{"role": "user", "content": "Tell me a very long story about a fox, a crow and a king."}],
        "max_tokens": 1500,
        "stream": stream,
    }
    async with program.session() as http:
        for _ in range(5):
            task = asyncio.create_task(http.post("chat/completions", json=asked))
            if stream:
                response = await task
                assert await first_of(response)
                response.close()
            else:
                await asyncio.sleep(0.5)
                task.cancel()
            # The small model may have come to its end by itself: then nothing was there to stop.
            with suppress(TimeoutError):
                await program.becomes_cancelled("/v1/chat/completions", before)
                break
    assert await program.cancelled("/v1/chat/completions") > before


async def test_hostile_uploads_are_refused_with_a_clear_error(program: Program) -> None:
    wrong = []
    async with program.session() as http:
        for name, made in HOSTILE.items():
            form = aiohttp.FormData(default_to_multipart=True)
            form.add_field("file", made(), filename="../../sound.wav")
            async with http.post("audio/transcriptions", data=form) as answer:
                error = (await answer.json())["error"]
                if answer.status not in {400, 413} or not error["message"]:
                    wrong.append((name, answer.status, error))
    assert len(HOSTILE) >= 30
    assert wrong == []


async def test_open_webui_asks_without_a_key_for_voices_and_models(program: Program) -> None:
    async with aiohttp.ClientSession(f"{program.stack.base_url}/v1/") as http:
        async with http.get("audio/voices") as answer:
            voices = (await answer.json())["voices"]
        async with http.get("audio/models") as answer:
            models = (await answer.json())["models"]
    assert {voice["id"]: voice["name"] for voice in voices}["hibari-us"]
    assert "hibari" in {model["id"] for model in models}


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server whose engines a test kills."""
    with Stack(tmp_path_factory.mktemp("mortal")) as stack:
        yield stack


async def test_half_an_answer_is_not_taken_for_the_whole(mortal: Stack) -> None:
    headers = {"Authorization": "Bearer sk-any"}
    asked = {"input": LONG, "voice": "hibari-us", "response_format": "wav"}
    async with aiohttp.ClientSession(f"{mortal.base_url}/v1/", headers=headers) as http:
        response = await http.post("audio/speech", json=asked)
        assert await first_of(response)
        mortal.kill_engines()
        async with asyncio.timeout(10):
            with pytest.raises(aiohttp.ClientError):
                await response.content.read()
        # The web server goes on, and says what is missing.
        async with http.post("audio/speech", json=asked) as refused:
            assert refused.status == 503
            assert (await refused.json())["error"]["code"] == "engine_unavailable"
            assert "Retry-After" in refused.headers
        async with http.get(f"{mortal.base_url}/livez") as alive:
            assert alive.status == 200
    assert "Traceback" not in mortal.log("web")


@pytest.fixture(scope="module")
def another(program: Program) -> dict[str, str]:
    """The settings of an AVATAR that thinks and speaks with the first one."""
    url = f"{program.stack.base_url}/v1"
    return {
        "AVATAR_CHAT_URL": url,
        "AVATAR_CHAT_API_KEY": program.key,
        "AVATAR_FINE_SPEECH": url,
        "AVATAR_FINE_SPEECH_API_KEY": program.key,
    }


async def test_one_avatar_is_the_chat_and_the_speech_server_of_another(
    program: Program, another: dict[str, str]
) -> None:
    with running_host(another) as host:
        async with host.client() as client:
            status = await ready(client)
            chat = next(engine for engine in status.engines if engine.kind == "chat")
            assert chat.model.lower().startswith("smollm2")
            assert status.context_tokens > 0
            request = ChatRequest(messages=({"role": "user", "content": "Say hello."},), max_tokens=12)
            assert "".join([delta.text async for delta in client.chat(request)])
            async with asyncio.timeout(60):
                while not any(one.engine == "url" and one.state == "ready" for one in (await client.status()).engines):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
            offered = {voice.id for voice in (await client.status()).voices}
            assert program.profile not in offered, "nobody here knows of its owner's consent"
            async with client.speech(
                "Good morning to you.", voice="hibari-us", language="en", quality="fine"
            ) as speech:
                assert (speech.made.engine, speech.made.voice, speech.made.quality) == ("url", "hibari-us", "fine")
                sound = b"".join([pcm async for pcm in speech])
    assert len(sound) / 2 / WIRE_RATE > 0.7
