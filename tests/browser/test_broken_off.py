"""What the page shows of an answer whose server goes away in the middle of it: against a scripted server."""

import pytest

from tests.browser.conftest import OpenChat
from tests.browser.scripted import SENTENCE_MS, SENTENCES, ScriptedServer, tone
from tests.server import Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("aloud", [True, False])
async def test_an_answer_that_broke_off_is_marked_as_stopped(web: Stack, open_chat: OpenChat, aloud: bool) -> None:
    chat, server = await open_chat(web), ScriptedServer()
    await server.serve(chat.page)
    await chat.open()
    await chat.start()
    await chat.state("listening")
    where = {"response_id": "r-1", "item_id": "a-1", "output_index": 0, "content_index": 0}
    server.say("response.created", response={"id": "r-1"})
    message = {"id": "a-1", "type": "message", "role": "assistant"}
    server.say("response.output_item.added", response_id="r-1", output_index=0, item=message)
    if aloud:
        server.say("response.output_audio_transcript.delta", **where, delta=SENTENCES[0])
        server.say("response.output_audio.delta", **where, delta=tone(SENTENCE_MS))
    else:
        server.say("response.output_text.delta", **where, delta=SENTENCES[0])
    await chat.page.wait_for_selector(".line.assistant .sentence")
    assert await chat.page.locator(".line-cut").count() == 0
    server.refuse("", 4000)
    await chat.page.wait_for_selector(".line.assistant .line-cut")
    assert SENTENCES[0].strip() in (await chat.lines("assistant"))[0]
    await chat.state("listening")  # it comes back by itself
    server.answers("a-2", "r-2")
    await chat.page.wait_for_selector(".line.assistant:nth-of-type(2)")
    assert await chat.page.locator(".line-cut").count() == 1
    await chat.clean()
