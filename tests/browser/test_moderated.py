"""What the page says and does when a moderator mutes or ends the session: against a scripted server."""

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.conftest import ChatPage, OpenChat
from tests.browser.scripted import ScriptedServer
from tests.server import Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]


async def speaking(web: Stack, open_chat: OpenChat, locale: str = "en-GB") -> tuple[ChatPage, ScriptedServer]:
    chat, server = await open_chat(web, locale=locale), ScriptedServer()
    await server.serve(chat.page)
    await chat.open()
    await chat.start()
    await chat.state("listening")
    server.answers()
    await chat.page.wait_for_selector(".sentence.current")
    return chat, server


def mute(server: ScriptedServer, muted: bool) -> None:
    if muted:
        server.say("error", error={"type": "invalid_request_error", "code": "session_muted", "message": "Muted."})
    server.say("avatar.moderation", muted=muted, reason="abuse")


async def test_a_mute_silences_what_is_being_heard_and_says_why(web: Stack, open_chat: OpenChat) -> None:
    chat, server = await speaking(web, open_chat)
    muted_at = await chat.now()
    mute(server, True)
    assert "A moderator has muted you" in await chat.notice()
    await chat.until_silent(100)
    assert await chat.audible_ms(muted_at) < 400
    assert server.sent("conversation.item.truncate")
    assert await chat.page.is_hidden("#trouble")
    found = await Axe().run(chat.page)
    assert found.violations_count == 0, found.generate_report()
    mute(server, False)
    await chat.page.wait_for_selector("#notice", state="hidden")
    await chat.clean()


async def test_what_is_typed_while_muted_is_not_shown_as_said(web: Stack, open_chat: OpenChat) -> None:
    chat, server = await speaking(web, open_chat)
    mute(server, True)
    await chat.notice()
    await chat.type("Can you read this?")
    message = await server.until_sent("conversation.item.create")
    await chat.until("document.querySelectorAll('.line.user').length === 1")
    refusal = {"type": "invalid_request_error", "code": "session_muted", "message": "Muted."}
    server.say("error", error={**refusal, "event_id": message["event_id"]})
    server.say("error", error=refusal)  # and the answer that was asked for
    await chat.until("document.querySelectorAll('.line.user').length === 0")
    assert await chat.page.input_value("#message") == "Can you read this?"
    await chat.clean()


async def test_an_ended_session_does_not_come_back_by_itself(web: Stack, open_chat: OpenChat) -> None:
    chat, server = await speaking(web, open_chat, locale="zh-TW")
    ended_at = await chat.now()
    server.refuse("forbidden", 4403)
    await chat.state("forbidden")
    assert "管理人員結束了這次對話" in await chat.notice()
    await chat.until_silent(100)
    assert await chat.audible_ms(ended_at) < 400
    await chat.until(f"performance.now() - {ended_at} > 2500")
    assert len(server.addresses) == 1
    await chat.page.click("#notice-actions button")
    await chat.state("listening")
    assert len(server.addresses) == 2
    assert "conversation=c-1" in server.addresses[1]
    await chat.clean()


async def test_a_new_connection_forgets_the_mute(web: Stack, open_chat: OpenChat) -> None:
    chat, server = await speaking(web, open_chat)
    mute(server, True)
    await chat.notice()
    server.refuse("", 4000)
    await chat.state("waiting", "listening", "speaking")
    await chat.state("listening")
    await chat.page.wait_for_selector("#notice", state="hidden")
    await chat.clean()
