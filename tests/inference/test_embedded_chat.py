"""The embedded chat model in its own process: real llama.cpp, its answers, its deaths."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import aiohttp
import msgspec
import pytest

from inference import wire, wire_chat
from inference.catalogue import default, model_file
from inference.errors import ContextTooLong, EngineRefused, EngineUnavailable
from inference.host.changes import Changes
from inference.host.chat.embedded import EmbeddedChat, EmbeddedModel
from inference.types import ChatRequest
from tests.engine_host import RunningHost, ready, running_host, wait_for
from tests.inference.chatting import WEATHER, answer, asking

pytestmark = pytest.mark.models

END_OF_TURN = 2
"""SmolLM2's token that ends an answer."""


async def test_it_streams_an_answer_and_counts_its_tokens(engine_host: RunningHost) -> None:
    async with engine_host.client() as client:
        deltas = await answer(client, asking("Say hello to Anna."))
    assert len([delta for delta in deltas if delta.text]) > 3
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] in (["stop"], ["length"])
    usage = deltas[-1].usage
    assert usage is not None
    assert usage.input_tokens > 10
    assert 3 < usage.output_tokens <= 24


async def test_its_tokens_are_counted_while_it_answers(engine_host: RunningHost) -> None:
    async with engine_host.client() as client:
        whole = await answer(client, asking("Say hello to Anna."))
        async with aclosing(client.chat(asking("Say hello to Anna."))) as deltas:
            begun = [delta async for delta in deltas if delta.text][:4]
    assert whole[-1].usage is not None
    told = [(delta.usage.input_tokens, delta.usage.output_tokens) for delta in begun if delta.usage]
    assert told == [(whole[-1].usage.input_tokens, number) for number in range(1, 5)]


async def test_a_program_that_asks_for_no_more_is_told_at_the_end_alone(engine_host: RunningHost) -> None:
    body = wire_chat.chat_body(asking("Say hello to Anna."), stream=True)
    connector = aiohttp.UnixConnector(engine_host.url.removeprefix("unix:"))
    async with (
        aiohttp.ClientSession("http://host", connector=connector) as http,
        http.post("/v1/chat/completions", data=body, headers={"Content-Type": "application/json"}) as response,
    ):
        deltas = [wire_chat.read_delta(event) async for event in wire.events(response.content.iter_any())]
    assert [delta.usage is not None for delta in deltas].count(True) == 1


async def test_a_whole_answer_is_the_streamed_one(engine_host: RunningHost) -> None:
    async with engine_host.client() as client:
        streamed = await answer(client, asking("Count to five."))
        whole = await client.complete(asking("Count to five."))
    assert whole.text == "".join(delta.text for delta in streamed)
    assert whole.finish_reason in ("stop", "length")


async def test_a_longer_conversation_reuses_its_prompt(engine_host: RunningHost) -> None:
    first = asking("Tell me something about the sea, " + "and be brief, " * 30)
    async with engine_host.client() as client:
        said = "".join(delta.text for delta in await answer(client, first))
        more = ({"role": "assistant", "content": said}, {"role": "user", "content": "And the moon?"})
        following = msgspec.structs.replace(first, messages=(*first.messages, *more))
        usage = (await answer(client, following))[-1].usage
    assert usage is not None
    assert usage.cached_tokens > usage.input_tokens * 0.6


async def test_a_required_tool_call_is_streamed_in_pieces(engine_host: RunningHost) -> None:
    request = asking("What is the weather in Paris?", tools=(WEATHER,), tool_choice="required", max_tokens=80)
    async with engine_host.client() as client:
        deltas = await answer(client, request)
    calls = [call for delta in deltas for call in delta.tool_calls]
    assert calls[0].id
    assert calls[0].name == "get_weather"
    arguments = msgspec.json.decode("".join(call.arguments for call in calls))
    assert arguments["city"] in ("Taipei", "Paris")
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == ["tool_calls"]


async def test_an_answer_of_no_tokens_ends(engine_host: RunningHost) -> None:
    messages = [{"role": "user", "content": "Say nothing."}]
    body = {"messages": messages, "stream": True, "logit_bias": [[END_OF_TURN, 1000]]}
    connector = aiohttp.UnixConnector(engine_host.url.removeprefix("unix:"))
    async with (
        asyncio.timeout(30),
        aiohttp.ClientSession("http://host", connector=connector) as http,
        http.post("/v1/chat/completions", json=body) as response,
    ):
        deltas = [wire_chat.read_delta(event) async for event in wire.events(response.content.iter_any())]
    assert not any(delta.text for delta in deltas)
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == ["stop"]


async def test_a_prompt_beyond_the_window_says_so(engine_host: RunningHost) -> None:
    async with engine_host.client() as client:
        window = (await client.status()).context_tokens
        with pytest.raises(ContextTooLong):
            await answer(client, asking("word " * (window + 10)))


async def test_a_malformed_request_is_refused_and_the_model_lives_on(engine_host: RunningHost) -> None:
    async with engine_host.client() as client:
        with pytest.raises(EngineRefused):
            await answer(client, ChatRequest(messages=()))
        with pytest.raises(EngineRefused):
            await answer(client, ChatRequest(messages=({"role": 5, "content": {"a": 1}},)))
        assert await answer(client, asking("Hello."))


async def test_hanging_up_stops_the_generation(engine_host: RunningHost) -> None:
    endless = asking("Count from one to ten thousand.", max_tokens=1900)
    async with engine_host.client() as client:
        async with aclosing(client.chat(endless)) as deltas:
            await anext(deltas)
            assert busy_slots(engine_host) == 1
        async with asyncio.timeout(10):
            while busy_slots(engine_host):  # noqa: ASYNC110 - another process has no event to wait on
                await asyncio.sleep(0.01)
        # Far sooner than the answer would have taken: its tokens were not made.
        assert predicted_tokens(engine_host) < 1500


async def test_ten_answers_at_once_from_five_slots(engine_host: RunningHost) -> None:
    async with engine_host.client() as client:
        asked = [answer(client, asking(f"Say the number {number}.", max_tokens=4)) for number in range(10)]
        answers = await asyncio.gather(*asked)
    assert all(any(delta.finish_reason for delta in deltas) for deltas in answers)


async def test_a_killed_process_is_told_of_and_started_again() -> None:
    with running_host() as host:
        async with host.client() as client:
            await ready(client, "chat")
            deltas = client.chat(asking("Count from one to ten thousand.", max_tokens=1900))
            await anext(deltas)
            killed = host.chat_process
            killed.send_signal(signal.SIGKILL)
            with pytest.raises(EngineUnavailable, match="stopped in the middle"):
                async for _ in deltas:
                    pass
            assert await answer(client, asking("Hello."))
            assert host.chat_process.pid != killed.pid


def overwritten(content: bytearray) -> None:
    """No GGUF any more: llama.cpp says so."""
    content[4:2_000_000] = b"\xff" * (2_000_000 - 4)


def without_layers(content: bytearray) -> None:
    """A GGUF that says its model has no layers: llama.cpp aborts the process (SIGABRT)."""
    key = b"llama.block_count"
    value = content.index(len(key).to_bytes(8, "little") + key) + 8 + len(key) + 4
    content[value : value + 4] = bytes(4)


@pytest.mark.parametrize("damage", [overwritten, without_layers])
async def test_a_broken_model_file_is_named_and_the_host_stays_up(
    tmp_path: Path, damage: Callable[[bytearray], None]
) -> None:
    entry = default("chat")
    whole = model_file(entry.name)
    folder = tmp_path / entry.name
    folder.mkdir()
    for item in whole.parent.iterdir():
        (folder / item.name).write_bytes(item.read_bytes())
    content = bytearray(whole.read_bytes())
    damage(content)
    (folder / whole.name).write_bytes(content)
    with running_host({"AVATAR_MODELS_DIR": str(tmp_path)}) as host:
        async with host.client() as client:
            async with asyncio.timeout(60):
                async for status in client.watch_status():
                    chat = next(engine for engine in status.engines if engine.kind == "chat")
                    if chat.state == "failed":
                        break
            assert str(folder / whole.name) in chat.detail
            assert f"models verify {entry.name}" in chat.detail
            with pytest.raises(EngineUnavailable, match="may be damaged"):
                await answer(client, asking("Hello."))
            assert not (await client.status()).ready


async def test_a_model_chosen_meanwhile_is_served_from_then_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.host.chat.embedded._CHOICE_S", 0.05)
    file = model_file(default("chat").name)
    chosen = ["one"]
    chat = EmbeddedChat(
        lambda: EmbeddedModel(name=chosen[0], file=file, languages=("en",), memory_bytes=1),
        tmp_path / "chat.sock",
        (changes := Changes()),
        slots=1,
        context_tokens=256,
        threads=1,
        cache_mb=0,
    )
    with changes.watch() as changed:
        task = asyncio.create_task(chat.run())
        await chat.get_ready()
        assert chat.status.model == "one"
        chosen[0] = "two"
        async with asyncio.timeout(60):
            while (chat.status.model, chat.status.state) != ("two", "ready"):
                changed.clear()
                await changed.wait()
        async with chat.post({"messages": [{"role": "user", "content": "Hello."}], "max_tokens": 2}) as response:
            assert response.status == 200
        task.cancel()
        await asyncio.wait([task])


async def test_the_chat_process_ends_with_a_killed_host() -> None:
    with running_host() as host:
        async with host.client() as client:
            await ready(client, "chat")
        child = host.chat_process
        host.process.kill()
        host.process.wait()
        wait_for(lambda: not child.is_running() or child.status() == "zombie", "the end of the chat process", 10)


def busy_slots(host: RunningHost) -> int:
    return sum(slot["is_processing"] for slot in _ask_llama(host, "/slots"))


def predicted_tokens(host: RunningHost) -> int:
    lines = _ask_llama(host, "/metrics").splitlines()
    return int(next(line for line in lines if line.startswith("llamacpp:tokens_predicted_total")).split()[1])


def _ask_llama(host: RunningHost, path: str):  # type: ignore[no-untyped-def]
    """Asks llama.cpp itself, past the host."""
    import http.client
    import socket

    where = next(host.data_dir.glob("chat-*.sock"))
    connection = http.client.HTTPConnection("llama")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(where))
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return msgspec.json.decode(body) if path == "/slots" else body.decode()
