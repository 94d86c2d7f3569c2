"""Chat completions for programs: what goes on to the model and what does not, and who waits for whom."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pytest
from django.core.cache import cache

from avatar_project.openai_api import chat
from inference.errors import ContextTooLong, EngineError, EngineUnavailable
from tests.avatar_project.asking import Asker, a_key, error_of

pytestmark = pytest.mark.django_db(transaction=True)
HELLO = [{"role": "user", "content": "Hello."}]


class Relay:
    """Stands for the way to the engine host; ``pieces`` come one by one, an error among them is raised."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.pieces: list[bytes | EngineError] = [b'data: {"choices": []}\n\n', b"data: [DONE]\n\n"]
        self.go = asyncio.Event()
        self.go.set()
        self.running = self.most_running = self.closed = 0

    async def completion(self, body: Mapping[str, Any], *, due_in_s: float) -> bytes:
        return b"".join([piece async for piece in self.completion_events(body, due_in_s=due_in_s)])

    async def completion_events(self, body: Mapping[str, Any], *, due_in_s: float) -> AsyncGenerator[bytes]:
        self.asked.append(body)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            for piece in self.pieces:
                if isinstance(piece, EngineError):
                    raise piece
                yield piece
                await self.go.wait()
        finally:
            self.running -= 1
            self.closed += 1


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Relay:
    fake = Relay()
    monkeypatch.setattr(chat, "relay", lambda: fake)
    cache.clear()
    return fake


async def test_only_openais_fields_go_on(relay: Relay) -> None:
    asked = {
        "messages": HELLO,
        "temperature": 0.5,
        "stop": ["."],
        "tools": [],
        "max_completion_tokens": 7,
        "id_slot": 3,
        "cache_prompt": False,
        "n_predict": -1,
        "grammar": "root ::= .",
        "user": "somebody",
        "metadata": {"a": "b"},
        "top_p": None,
        "prompt_cache_key": "mine",
    }
    assert (await Asker().ask("POST", "/v1/chat/completions", asked, key=await a_key("chat")))[0] == 200
    (body,) = relay.asked
    assert set(body) == {"messages", "temperature", "stop", "tools", "max_completion_tokens", "prompt_cache_key"}
    assert body["prompt_cache_key"].startswith("api:")
    assert body["prompt_cache_key"].endswith(":mine")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hello."}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://a"}}]}]},
            "messages",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "a"}}]}]}, "messages"),
        ({"messages": HELLO * 2001}, "messages"),
        ({"n": 2}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": "many"}, "max_completion_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"tools": 5}, "tools"),
        ({"tools": [{"function": "f"}]}, "tools"),
        ({"tool_choice": {"function": "f"}}, "tool_choice"),
        ({"stop": 1}, "stop"),
    ],
)
async def test_a_wrong_request_is_told_which_field_is_wrong(relay: Relay, change: dict[str, Any], param: str) -> None:
    asked = {"messages": HELLO, **change}
    status, _, body = await Asker().ask("POST", "/v1/chat/completions", asked, key=await a_key("chat"))
    assert (status, error_of(body)["param"]) == (400, param)
    assert relay.asked == []


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("error", "status"), [(ContextTooLong("It does not fit."), 400), (EngineUnavailable("It is starting."), 503)]
)
async def test_what_is_refused_is_refused_with_a_status(
    relay: Relay, stream: bool, error: EngineError, status: int
) -> None:
    relay.pieces = [error]
    asked = {"messages": HELLO, "stream": stream}
    told, _, body = await Asker().ask("POST", "/v1/chat/completions", asked, key=await a_key("chat"))
    assert (told, error_of(body)["code"]) == (status, error.code)


async def test_a_stream_that_breaks_off_says_so(relay: Relay) -> None:
    relay.pieces = [b'data: {"choices": []}\n\n', EngineUnavailable("It died.")]
    asked = {"messages": HELLO, "stream": True}
    status, headers, body = await Asker().ask("POST", "/v1/chat/completions", asked, key=await a_key("chat"))
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    last = body.strip().split(b"\n\n")[-1].removeprefix(b"data: ")
    assert json.loads(last)["error"]["code"] == "engine_unavailable"
    assert b"[DONE]" not in body


async def test_completions_beyond_the_few_wait_in_line(relay: Relay, settings: Any) -> None:
    settings.API_CHATS, settings.API_CALLS_EACH = 2, 5
    relay.go.clear()
    asker, key = Asker(), await a_key("chat")
    asked = {"messages": HELLO, "stream": True}
    tasks = [asyncio.create_task(asker.ask("POST", "/v1/chat/completions", asked, key=key)) for _ in range(5)]
    async with asyncio.timeout(10):
        while len(relay.asked) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert (len(relay.asked), relay.running) == (2, 2)
    relay.go.set()
    answers = await asyncio.gather(*tasks)
    assert [answer[0] for answer in answers] == [200] * 5
    assert relay.most_running == 2
    assert relay.closed == 5


async def test_who_hangs_up_leaves_the_line(relay: Relay, settings: Any) -> None:
    settings.API_CHATS = 1
    relay.go.clear()
    asker, key = Asker(), await a_key("chat")
    raw = json.dumps({"messages": HELLO, "stream": True}).encode()
    speaking, waiting = (asker.begin("POST", "/v1/chat/completions", raw, key=key) for _ in range(2))
    await speaking.send_input({"type": "http.request", "body": raw})
    assert (await speaking.receive_output(10))["status"] == 200
    await waiting.send_input({"type": "http.request", "body": raw})
    await asyncio.sleep(0.1)
    for one in (waiting, speaking):
        await one.send_input({"type": "http.disconnect"})
        await one.wait(10)
    assert (len(relay.asked), relay.closed, relay.running) == (1, 1, 0)
    relay.go.set()
    assert (await asker.ask("POST", "/v1/chat/completions", raw, key=key))[0] == 200
