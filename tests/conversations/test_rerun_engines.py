"""What a re-run is asked to use is looked up first: this host's models and voices, or another server by its address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from conversations.errors import Invalid
from conversations.models import Conversation
from conversations.rerun.engines import choose, opened
from inference.types import ChatRequest
from tests.conversations.recorded import Recorded
from tests.conversations.rerunning import rerun, talk
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def talked() -> Recorded:
    return talk()


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"llm": "no-such"}, "only fake-chat"),
        ({"voice": "nobody"}, "There are: anna, bert, mei"),
        ({"from_turn": "9"}, "the conversation has 3"),
    ],
)
def test_names_that_are_not_there_are_refused_before_anything_is_made(
    talked: Recorded, wish: dict[str, Any], told: str
) -> None:
    with pytest.raises(Invalid, match=told):
        rerun(talked, FakeEngines(), **wish)
    assert Conversation.objects.count() == 1


async def test_another_servers_model_is_taken_by_its_name() -> None:
    status = await FakeEngines().status()
    chosen = choose(status, "http://127.0.0.1:1234/v1#big-model", "")
    assert (chosen.chat_url, chosen.model) == ("http://127.0.0.1:1234/v1", "big-model")


@asynccontextmanager
async def _other_server(seen: list[tuple[str, bytes]]) -> AsyncIterator[str]:
    """An OpenAI-compatible server that answers one sentence."""

    async def completions(request: web.Request) -> web.StreamResponse:
        seen.append((request.headers.get("Authorization", ""), await request.read()))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for delta in ({"content": "From elsewhere."}, {}):
            choice = {"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}
            await response.write(b"data: " + msgspec.json.encode({"choices": [choice]}) + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", completions)
    async with TestServer(app) as server:
        yield str(server.make_url("/v1"))


async def test_another_server_is_asked_by_its_address_with_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "a key")
    seen: list[tuple[str, bytes]] = []
    async with _other_server(seen) as url, opened(f"{url}#big", key_variable="OTHER_KEY") as engines:
        asked = ChatRequest(messages=({"role": "user", "content": "?"},), model="big")
        deltas = [delta.text async for delta in engines.chat(asked)]
    assert "".join(deltas) == "From elsewhere."
    [(authorization, body)] = seen
    assert authorization == "Bearer a key"
    assert msgspec.json.decode(body)["model"] == "big"
