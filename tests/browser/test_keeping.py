"""What is kept: the choice before and during a conversation, the sign while nothing is, and a choice that stays."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import ChatPage, OpenChat
from tests.browser.scripted import ScriptedServer
from tests.browser.test_accessibility import PHONE, no_sideways_scroll, no_violations
from tests.server import Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]


class KeepingServer(ScriptedServer):
    """Says what is kept, as the real one does: what was asked for, else what was chosen before."""

    def __init__(self) -> None:
        super().__init__()
        self.keep = "sound"

    def greet(self) -> None:
        self.keep = self.asked or self.keep
        self.say("session.created", session={})
        self.say("avatar.conversation", conversation_id="c-1", sequence=7, resumed=False, keep=self.keep)

    @property
    def asked(self) -> str:
        """What the last connection asked for."""
        return parse_qs(urlsplit(self.addresses[-1]).query).get("keep", [""])[0]


Opened = Callable[..., Awaitable[tuple[ChatPage, KeepingServer]]]


@pytest.fixture
def opened(web: Stack, open_chat: OpenChat) -> Opened:
    async def open_(**context: object) -> tuple[ChatPage, KeepingServer]:
        chat, server = await open_chat(web, **context), KeepingServer()
        await server.serve(chat.page)
        await chat.open()
        return chat, server

    return open_


async def choose(chat: ChatPage, keep: str) -> None:
    if not await chat.page.evaluate("document.querySelector('#keep').open"):
        await chat.page.click("#keep summary")
    await chat.page.check(f'input[name="keep"][value="{keep}"]')


async def sent(server: KeepingServer) -> list[dict[str, object]]:
    async with asyncio.timeout(5):
        while not server.sent("avatar.keep.update"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return server.sent("avatar.keep.update")


async def is_private(chat: ChatPage) -> bool:
    return await chat.page.locator("#private").is_visible()


async def test_chosen_before_the_start_it_goes_along_with_the_first_word(opened: Opened) -> None:
    chat, server = await opened()
    assert await chat.page.inner_text("#keep-now") == "Sound and words are kept"
    assert not await is_private(chat)
    await choose(chat, "nothing")
    assert await is_private(chat)
    assert "no word and no sound" in await chat.page.inner_text("#private")
    await chat.start()
    await chat.state("listening")
    assert server.asked == "nothing"
    assert await is_private(chat)
    await chat.clean()


async def test_during_the_conversation_the_sign_waits_for_the_servers_word(opened: Opened) -> None:
    chat, server = await opened()
    await chat.start()
    await chat.state("listening")
    assert server.asked == "", "nothing was chosen: the server's default holds"
    await choose(chat, "nothing")
    assert await sent(server) == [{"type": "avatar.keep.update", "keep": "nothing"}]
    assert not await is_private(chat), "not before it is so"
    server.say("avatar.keep.updated", keep="nothing")
    await chat.page.wait_for_selector("#private")
    assert await chat.page.inner_text("#announcements") == "Private: nothing is kept"
    await choose(chat, "text")
    server.say("avatar.keep.updated", keep="text")
    await chat.page.wait_for_selector("#private", state="hidden")
    assert await chat.page.inner_text("#keep-now") == "Words are kept, sound is not"


async def test_a_dropped_connection_comes_back_with_the_choice(opened: Opened) -> None:
    chat, server = await opened()
    await chat.start()
    await chat.state("listening")
    await choose(chat, "nothing")
    server.say("avatar.keep.updated", keep="nothing")
    await chat.page.wait_for_selector("#private")
    server.refuse("", 4000)
    await chat.passed("waiting")
    await chat.state("listening")
    assert server.asked == "nothing"
    assert await is_private(chat)


async def test_the_choice_outlives_the_page(opened: Opened) -> None:
    chat, server = await opened()
    await choose(chat, "nothing")
    await chat.page.reload()
    assert await is_private(chat)
    await chat.type("Hello")
    await chat.state("thinking")
    assert server.asked == "nothing"


async def test_what_was_chosen_elsewhere_is_shown(opened: Opened) -> None:
    """A conversation gone on with that its owner made private on another page."""
    chat, server = await opened()
    server.keep = "nothing"
    await chat.start()
    await chat.state("listening")
    assert await is_private(chat)
    assert await chat.page.is_checked('input[name="keep"][value="nothing"]')


async def test_the_keyboard_chooses_and_escape_closes_without_stopping_an_answer(opened: Opened) -> None:
    chat, server = await opened()
    await chat.page.locator("#keep summary").focus()
    await chat.page.keyboard.press("Enter")
    await chat.page.keyboard.press("Tab")
    await chat.page.keyboard.press("ArrowDown")
    await chat.page.keyboard.press("ArrowDown")
    assert await is_private(chat)
    await chat.page.keyboard.press("Escape")
    assert not await chat.page.evaluate("document.querySelector('#keep').open")
    assert await chat.page.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert server.addresses == []


@pytest.mark.parametrize("locale", ["en-GB", "zh-TW"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_is_accessible_and_fits_a_phone(opened: Opened, locale: str, scheme: str) -> None:
    for size in ({"width": 1280, "height": 800}, PHONE):
        chat, _ = await opened(locale=locale, color_scheme=scheme, viewport=size)
        await choose(chat, "nothing")
        await chat.page.wait_for_selector("#private")
        await chat.page.click("#keep summary")
        await no_violations(chat)
        await no_sideways_scroll(chat)
        box = await chat.page.locator(".keep-card").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= size["width"]
        if shots := os.environ.get("AVATAR_SHOTS"):
            await chat.page.screenshot(path=f"{shots}/keep-{locale}-{scheme}-{size['width']}.png")
        await chat.page.keyboard.press("Escape")
        await chat.start()
        await chat.state("listening")
        await no_violations(chat)
        await no_sideways_scroll(chat)
        if shots:
            await chat.page.screenshot(path=f"{shots}/private-{locale}-{scheme}-{size['width']}.png")
        await chat.clean()
