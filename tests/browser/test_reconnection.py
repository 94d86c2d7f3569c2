"""A dropped connection comes back by itself, and the conversation goes on where it was."""

from pathlib import Path

import pytest

from tests.browser.conftest import OpenChat
from tests.server import Stack

# The small chat model says something else each time: an answer too short to be tested is asked for again.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.models,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.flaky(reruns=2),
]


async def test_a_killed_server_comes_back_with_the_same_conversation(
    tmp_path: Path, open_chat: OpenChat, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Stack(tmp_path_factory.mktemp("killed")) as stack:
        chat = await (await open_chat(stack)).open()
        await chat.type("Say hello.")
        await chat.until_heard()
        await chat.hush()
        before = await chat.page.evaluate("sessionStorage.getItem('avatar.conversation')")
        said = await chat.lines("user")
        stack.kill_web()
        await chat.state("waiting")
        assert "connection was lost" in await chat.notice()
        stack.start_web()
        await chat.state("typing")
        assert await chat.page.is_hidden("#notice")
        assert await chat.lines("user") == said
        assert await chat.page.evaluate("sessionStorage.getItem('avatar.conversation')") == before
        again_at = await chat.now()
        await chat.type("Say it again.")
        await chat.until_heard()
        assert await chat.audible_ms(again_at) > 0
        await chat.page.reload()
        await chat.type("And once more.")
        await chat.state("speaking")
        assert await chat.lines("user") == [*said, "Say it again.", "And once more."]
