"""A person's way through their history, in Chromium, against the running server."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import ChatPage, OpenChat
from tests.browser.seed_history import seed
from tests.browser.test_accessibility import PHONE, no_sideways_scroll, no_violations
from tests.server import Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]
SHOTS = os.environ.get("AVATAR_SCREENSHOTS", "")


async def shot(chat: ChatPage, name: str) -> None:
    """A picture to look at, where somebody asked for pictures (``AVATAR_SCREENSHOTS`` names a directory)."""
    if SHOTS:
        await chat.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


async def signed_in(open_chat: OpenChat, stack: Stack, seeded: dict[str, Any], **context: Any) -> ChatPage:
    chat = await open_chat(stack, **context)
    name, value = seeded["cookie"]["name"], seeded["cookie"]["value"]
    await chat.page.context.add_cookies([{"name": name, "value": value, "url": stack.base_url}])
    return chat


async def found_by_two_characters(chat: ChatPage) -> None:
    page = chat.page
    await page.fill("#q", "天氣")
    await page.press("#q", "Enter")
    await page.wait_for_selector("mark")
    assert await page.locator("mark").all_inner_texts() == ["天氣"]
    await shot(chat, "search")
    await page.click(".passages a")
    assert await page.inner_text("h1") == "明天天氣怎麼樣？"


async def given_a_title(chat: ChatPage, title: str) -> None:
    page = chat.page
    await page.click(".rename summary")
    await page.fill("#title", title)
    await page.click(".rename button")
    await page.wait_for_selector(f"h1:text('{title}')")
    await shot(chat, "conversation")


async def heard_again(chat: ChatPage) -> None:
    """Here, and as a whole."""
    page = chat.page
    await page.locator(".player-play").first.click()
    await page.wait_for_selector('.player-play[aria-label="Pause"]')
    await chat.until("Number(document.querySelector('.player-wave').ariaValueNow) > 0")
    await page.click('.actions a[href$="/replay"]')
    await page.wait_for_selector(".replay-turn")
    await page.go_back()


async def taken_along(chat: ChatPage, title: str) -> None:
    page = chat.page
    for form in ("txt", "opus", "vtt", "json"):
        await page.click(".menu summary")
        async with page.expect_download() as download:
            await page.click(f'.menu a[href$="/{form}"]')
        file = await (await download.value).path()
        assert file.stat().st_size > 100
        if form == "json":
            assert json.loads(file.read_bytes())["conversation"]["title"] == title
        if await page.locator(".menu[open]").count():
            await page.click(".menu summary")


async def gone_another_way(chat: ChatPage, conversation: str) -> None:
    """From its first turn; the conversation itself stays as it is."""
    page = chat.page
    await chat.open(f"/history/{conversation}")
    await page.click("#turn-1 form button")
    await page.wait_for_url("**/chat")
    await page.wait_for_selector(".line.assistant")
    assert await chat.lines("user") == ["What is the weather like tomorrow?"]
    await chat.state("idle")  # what was said before takes no place on the server
    await page.locator(".line.assistant .line-replay").first.click()
    await chat.until_heard()
    await chat.until("!document.querySelector('.line.replaying')")
    await chat.type("And the day after?")
    await chat.until_heard()
    await chat.hush()
    assert (await chat.lines("user"))[-1] == "And the day after?"
    await shot(chat, "continued")
    await page.reload()
    await page.wait_for_selector(".line.assistant")
    assert await chat.lines("user") == ["What is the weather like tomorrow?", "And the day after?"]
    await chat.open("/history")
    assert await page.locator(".row .tag").all_inner_texts() == ["forked"]
    await chat.open(f"/history/{conversation}")
    await page.click('.actions a[href^="/chat"]')
    await page.wait_for_selector(".line-cut")
    assert len(await chat.lines("user")) == 3


async def erased_for_good(chat: ChatPage, conversation: str) -> None:
    page = chat.page
    await chat.open(f"/history/{conversation}")
    await page.click(".actions .danger")
    await shot(chat, "erase")
    await page.click(".erase-form button")
    await page.wait_for_selector(".told")
    await page.fill("#q", "天氣")
    await page.press("#q", "Enter")
    await page.wait_for_selector(".nothing")


@pytest.mark.models
@pytest.mark.flaky(reruns=2)  # the small chat model may say nothing that is heard
async def test_a_walk_through_the_history(stack: Stack, open_chat: OpenChat) -> None:
    seeded = seed(stack, f"walker-{secrets.token_hex(4)}")
    chat = await signed_in(open_chat, stack, seeded, accept_downloads=True)
    await chat.open("/chat")
    await chat.page.click('.bar a[href="/history"]')
    titles = ["明天天氣怎麼樣？", "What is the weather like tomorrow?"]
    await expect(chat.page.locator(".row-title")).to_have_text(titles)
    await shot(chat, "list")
    await found_by_two_characters(chat)
    await given_a_title(chat, "台北的天氣")
    await heard_again(chat)
    await taken_along(chat, "台北的天氣")
    await gone_another_way(chat, seeded["english"])
    await erased_for_good(chat, seeded["chinese"])
    await chat.clean()


@pytest.mark.parametrize("locale", ["en-GB", "zh-TW"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_history_is_accessible_on_a_phone(web: Stack, open_chat: OpenChat, locale: str, scheme: str) -> None:
    seeded = seed(web, f"reader-{locale}-{scheme}")
    chat = await signed_in(open_chat, web, seeded, locale=locale, color_scheme=scheme, viewport=PHONE)
    one = f"/history/{seeded['english']}"
    paths = {
        "list": "/history",
        "search": "/history?q=天氣&language=zh-TW",
        "erase": f"{one}/erase",
        "conversation": one,
    }
    for name, path in paths.items():
        await chat.open(path)
        await no_sideways_scroll(chat)
        await shot(chat, f"{name}-{locale}-{scheme}")
        await chat.clean()
        await no_violations(
            chat
        )  # axe looks into waveforms with styles of its own, which the policy notes: no more `clean`
    for summary in (".menu > summary", ".rename > summary", ".unheard-words > summary", ".steps > summary"):
        await chat.page.locator(summary).first.click()
        await no_violations(chat)
        await no_sideways_scroll(chat)
        await chat.page.keyboard.press("Escape")


async def test_the_keyboard_reaches_everything(web: Stack, open_chat: OpenChat) -> None:
    chat = await signed_in(open_chat, web, seed(web, "typist"))
    await chat.open("/history")
    await chat.page.locator("#q").focus()
    await chat.page.keyboard.type("umbrella")
    await chat.page.keyboard.press("Enter")
    await chat.page.wait_for_selector("mark")
    await chat.page.locator(".row-link").first.focus()
    await chat.page.keyboard.press("Enter")
    await chat.page.wait_for_selector(".turns")
    await chat.page.locator(".rename summary").focus()
    await chat.page.keyboard.press("Enter")
    await chat.page.wait_for_selector("#title:focus")
    await chat.page.keyboard.type("Umbrellas")
    await chat.page.keyboard.press("Enter")
    await chat.page.wait_for_selector("h1:text('Umbrellas')")
    await chat.clean()
