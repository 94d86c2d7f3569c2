"""Chat by URL and key: a second llama.cpp server, which wants a key, stands for any OpenAI-compatible one."""

import asyncio
import secrets
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from inference.catalogue import default, model_file
from inference.client import EngineClient
from inference.errors import ContextTooLong, EngineUnavailable
from inference.host.changes import Changes
from inference.host.chat.backend import RUNNING_USAGE, without_running_usage
from inference.host.chat.remote import RemoteChat
from inference.types import ChatRequest
from tests.engine_host import wait_for
from tests.inference.served import served
from tests.server import free_port

pytestmark = pytest.mark.models

SERVE = """
import sys
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path, params.port, params.api_keys = sys.argv[1], int(sys.argv[2]), [sys.argv[3]]
params.model_alias, params.n_ctx, params.fit_params, params.ui = {"small"}, 512, False, False
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
print("serving", flush=True)
sys.stdin.read()
"""


class OtherServer(msgspec.Struct):
    url: str
    key: str


@pytest.fixture(scope="module")
def other_server() -> Iterator[OtherServer]:
    port, key = free_port(), secrets.token_urlsafe()
    arguments = [str(model_file(default("chat").name)), str(port), key]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert wait_for(process.stdout.readline, "the other server's start") == b"serving\n"
    yield OtherServer(f"http://127.0.0.1:{port}", key)
    process.kill()
    process.wait()


def backend(server: OtherServer, *, key: str | None = None, model: str = "") -> RemoteChat:
    return RemoteChat(server.url, server.key if key is None else key, model, Changes(), context_tokens=0)


async def ready(client: EngineClient, *states: str) -> str:
    """What the host says of its chat once it is in one of these states."""
    async with asyncio.timeout(20):
        async for status in client.watch_status():
            chat = next(engine for engine in status.engines if engine.kind == "chat")
            if chat.state in states:
                return chat.detail or chat.model
    raise AssertionError("the host went away")


def asking(text: str) -> ChatRequest:
    return ChatRequest(messages=({"role": "user", "content": text},), max_tokens=8, temperature=0)


async def test_it_answers_through_the_host_and_its_model_and_window_are_known(other_server: OtherServer) -> None:
    async with served(chat=backend(other_server)) as host:
        assert await ready(host.client, "ready") == "small"
        deltas = [delta async for delta in host.client.chat(asking("Say hello."))]
        assert "".join(delta.text for delta in deltas)
        assert (await host.client.complete(asking("Say hello."))).text
        assert (await host.client.status()).context_tokens == 512
        with pytest.raises(ContextTooLong):
            await anext(host.client.chat(asking("word " * 1000)))


async def test_the_client_speaks_to_such_a_server_itself(other_server: OtherServer) -> None:
    async with EngineClient(other_server.url + "/v1", api_key=other_server.key) as client:
        deltas = [delta async for delta in client.chat(asking("Say hello."))]
    assert "".join(delta.text for delta in deltas)
    assert deltas[-1].usage is not None


async def test_a_wrong_key_is_named(other_server: OtherServer) -> None:
    async with served(chat=backend(other_server, key="wrong", model="small")) as host:
        await ready(host.client, "ready", "failed")
        with pytest.raises(EngineUnavailable, match="AVATAR_CHAT_API_KEY"):
            await anext(host.client.chat(asking("Say hello.")))


async def test_a_server_that_is_not_there_is_named() -> None:
    nowhere = OtherServer(f"http://127.0.0.1:{free_port()}", "")
    async with served(chat=backend(nowhere)) as host:
        assert "AVATAR_CHAT_URL" in await ready(host.client, "failed")
        with pytest.raises(EngineUnavailable, match=nowhere.url):
            await anext(host.client.chat(asking("Say hello.")))


def test_a_server_that_is_not_known_to_count_on_the_way_is_not_asked_to() -> None:
    options = {"include_usage": True, RUNNING_USAGE: True}
    body = {"messages": [], "stream_options": options}
    assert without_running_usage(body) == ({"messages": [], "stream_options": {"include_usage": True}}, True)
    assert without_running_usage({"messages": []}) == ({"messages": []}, False)
