"""The real vLLM (its build for CPUs) as the chat model, in a process and an environment of its own."""

import asyncio
import itertools
import re
import signal
from collections.abc import Iterator

import aiohttp
import msgspec
import psutil
import pytest

from inference.client import EngineClient
from inference.errors import ContextTooLong, EngineUnavailable
from inference.host.changes import Changes
from inference.host.chat.remote import RemoteChat
from inference.types import ChatFigures, EngineStatus
from tests.engine_host import RunningHost, ready, running_host
from tests.engines import smollm2, tiny_chat
from tests.inference.chatting import WEATHER, answer, asking
from tests.inference.served import served

pytestmark = [pytest.mark.models, pytest.mark.engines, pytest.mark.timeout(600)]
START_S = 180.0
SETTINGS = {
    "AVATAR_CHAT_ENGINE": "vllm",
    "AVATAR_CHAT_CONTEXT_TOKENS": "1024",
    "AVATAR_VLLM_SESSION_MB": "32",
    "AVATAR_VLLM_MEMORY_MB": "1500",
    "AVATAR_MAX_SESSIONS": "5",
}


async def chat_status(client: EngineClient) -> EngineStatus:
    return next(engine for engine in (await client.status()).engines if engine.kind == "chat")


def vllm_processes(host: RunningHost) -> list[psutil.Process]:
    """The server and what it has started, without the keeper."""
    children = psutil.Process(host.process.pid).children(recursive=True)
    return [child for child in children if any("vllm" in word.lower() for word in (child.name(), *child.cmdline()[:4]))]


@pytest.fixture(scope="module")
def vllm_host() -> Iterator[RunningHost]:
    """A host whose chat model is SmolLM2 under vLLM."""

    async def until_ready(host: RunningHost) -> None:
        async with host.client() as client:
            await ready(client, "chat", "tts", within_s=START_S)

    with running_host({**SETTINGS, "AVATAR_VLLM_MODEL": str(smollm2())}) as host:
        asyncio.run(until_ready(host))
        yield host


async def test_it_answers_in_earnest_and_counts_its_tokens(vllm_host: RunningHost) -> None:
    async with vllm_host.client() as client:
        deltas = await answer(client, asking("What is the capital of France?"))
        assert (await client.status()).context_tokens == 1024
    assert "Paris" in "".join(delta.text for delta in deltas)
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == ["stop"]
    assert deltas[-1].usage is not None
    assert deltas[-1].usage.input_tokens > 10


async def test_five_sessions_are_answered_together(vllm_host: RunningHost) -> None:
    """Continuous batching: all five have begun before any has ended, and their tokens come in turns."""
    order: list[int] = []

    async def one(client: EngineClient, number: int) -> None:
        deltas = client.chat(asking(f"Count from {number} to a thousand.", max_tokens=60))
        async for delta in deltas:
            if delta.text:
                order.append(number)  # noqa: PERF401 - at the moment when it comes

    async with vllm_host.client() as client:
        await asyncio.gather(*(one(client, number) for number in range(1, 6)))
    begun = max(order.index(number) for number in range(1, 6))
    ended = min(len(order) - 1 - order[::-1].index(number) for number in range(1, 6))
    assert begun < ended
    changes = sum(earlier != later for earlier, later in itertools.pairwise(order))
    assert changes > len(order) / 2


async def test_its_figures_are_in_our_status_and_metrics(vllm_host: RunningHost) -> None:
    async def keep_asking(client: EngineClient) -> None:
        while True:
            await answer(client, asking("Count from one to ten thousand. " * 60, max_tokens=400))

    async with vllm_host.client() as client:
        busy = asyncio.create_task(keep_asking(client))
        async with asyncio.timeout(30):
            while not _tells_load((await chat_status(client)).figures):  # noqa: ASYNC110 - another process tells
                await asyncio.sleep(0.2)
        busy.cancel()
    connector = aiohttp.UnixConnector(vllm_host.url.removeprefix("unix:"))
    async with aiohttp.ClientSession("http://host", connector=connector) as http, http.get("/metrics") as response:
        text = await response.text()
    values = {name: float(value) for name, value in re.findall(r"^(avatar_vllm_\S+) (\S+)$", text, re.MULTILINE)}
    assert values["avatar_vllm_first_token_seconds_count"] >= 1
    assert 0 < values["avatar_vllm_first_token_seconds_sum"] < 60
    assert 0 <= values["avatar_vllm_kv_cache_usage"] < 1
    assert values['avatar_vllm_prefix_tokens{cached="hit"}'] > 0
    assert values['avatar_vllm_requests{state="waiting"}'] == 0


def _tells_load(figures: ChatFigures | None) -> bool:
    return bool(figures and figures.running and figures.kv_cache and figures.first_token_ms and figures.prefix_hits)


async def test_a_server_that_runs_already_is_used_by_its_address_and_tells_its_figures(vllm_host: RunningHost) -> None:
    """The same server as by AVATAR_CHAT_URL: nothing of ours watches its process."""
    socket = next(vllm_host.data_dir.glob("engines-*/vllm.sock"))
    chat = RemoteChat(
        "http://vllm/v1", "", "", Changes(), context_tokens=0, connector=lambda: aiohttp.UnixConnector(str(socket))
    )
    async with served(chat=chat) as host:
        status = await ready(host.client, "chat")
        assert status.context_tokens == 1024
        assert "Paris" in (await host.client.complete(asking("What is the capital of France?"))).text
        async with asyncio.timeout(15):
            while (await chat_status(host.client)).figures is None:  # noqa: ASYNC110 - another process tells
                await asyncio.sleep(0.1)


async def test_a_required_function_is_called(vllm_host: RunningHost) -> None:
    request = asking("What is the weather in Paris?", tools=(WEATHER,), tool_choice="required", max_tokens=80)
    async with vllm_host.client() as client:
        deltas = await answer(client, request)
    calls = [call for delta in deltas for call in delta.tool_calls]
    assert calls[0].name == "get_weather"
    arguments = msgspec.json.decode("".join(call.arguments for call in calls))
    assert arguments["city"] in ("Taipei", "Paris")


async def test_a_prompt_beyond_the_window_says_so(vllm_host: RunningHost) -> None:
    async with vllm_host.client() as client:
        with pytest.raises(ContextTooLong):
            await answer(client, asking("word " * 1100))
        assert await answer(client, asking("Hello."))


async def test_killed_in_the_middle_it_is_told_of_and_comes_back(vllm_host: RunningHost) -> None:
    async with vllm_host.client() as client:
        deltas = client.chat(asking("Tell a very long story about the sea.", max_tokens=900))
        await anext(deltas)
        before = vllm_processes(vllm_host)
        assert len(before) > 1
        before[0].send_signal(signal.SIGKILL)
        with pytest.raises(EngineUnavailable, match="stopped in the middle"):
            async for _ in deltas:
                pass
        async with asyncio.timeout(3):
            while (await chat_status(client)).state != "loading":  # noqa: ASYNC110 - another process tells
                await asyncio.sleep(0.02)
        await ready(client, "chat", within_s=START_S)
        assert not any(process.is_running() for process in before)
        again = await answer(client, asking("What is the capital of France?"))
        assert "Paris" in "".join(delta.text for delta in again)


async def test_a_host_that_is_killed_leaves_nothing_of_it_behind() -> None:
    """With a random model of another family, so that no more than vLLM itself makes it answer."""
    with running_host({**SETTINGS, "AVATAR_VLLM_MODEL": str(tiny_chat())}) as host:
        async with host.client() as client:
            await ready(client, "chat", within_s=START_S)
            deltas = await answer(client, asking("Hello."))
        assert deltas[-1].usage is not None
        assert deltas[-1].usage.output_tokens == 24
        last = vllm_processes(host)
        host.process.kill()  # without a good-bye
        _, alive = await asyncio.to_thread(psutil.wait_procs, last, 15)
        assert not alive
