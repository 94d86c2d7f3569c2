"""A person's way through their history, in Chromium, against the running server."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import pytest

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


@pytest.mark.models
@pytest.mark.flaky(reruns=2)  # the small chat model may say nothing that is heard
async def test_a_walk_through_the_history(stack: Stack, open_chat: OpenChat) -> None:
    seeded = seed(stack, f"walker-{secrets.token_hex(4)}")
    chat = await signed_in(open_chat, stack, seeded, accept_downloads=True)
    page = chat.page
    await chat.open("/chat")
    await page.click('.bar a[href="/history"]')
    assert await page.locator(".row-title").all_inner_texts() == [
        "明天天氣怎麼樣？",
        "What is the weather like tomorrow?",
    ]
    await shot(chat, "list")

    # What was said in Chinese is found by two characters.
    await page.fill("#q", "天氣")
    await page.press("#q", "Enter")
    await page.wait_for_selector("mark")
    assert await page.locator("mark").all_inner_texts() == ["天氣"]
    await shot(chat, "search")
    await page.click(".passages a")
    assert await page.inner_text("h1") == "明天天氣怎麼樣？"

    # A title of one's own.
    await page.click(".rename summary")
    await page.fill("#title", "台北的天氣")
    await page.click(".rename button")
    await page.wait_for_selector("h1:text('台北的天氣')")
    await shot(chat, "conversation")

    # Heard again, here and as a whole.
    await page.locator(".player-play").first.click()
    await page.wait_for_selector('.player-play[aria-label="Pause"]')
    await chat.until("Number(document.querySelector('.player-wave').ariaValueNow) > 0")
    await page.click('.actions a[href$="/replay"]')
    await page.wait_for_selector(".replay-turn")
    await page.go_back()

    # Everything can be taken along.
    for form in ("txt", "opus", "vtt", "json"):
        await page.click(".menu summary")
        async with page.expect_download() as download:
            await page.click(f'.menu a[href$="/{form}"]')
        file = await (await download.value).path()
        assert file.stat().st_size > 100
        if form == "json":
            assert json.loads(file.read_bytes())["conversation"]["title"] == "台北的天氣"
        if await page.locator(".menu[open]").count():
            await page.click(".menu summary")

    # Another way from the first turn of the other one, which stays as it is.
    await chat.open(f"/history/{seeded['english']}")
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

    # Continuing the first shows all of it.
    await chat.open(f"/history/{seeded['english']}")
    await page.click('.actions a[href^="/chat"]')
    await page.wait_for_selector(".line-cut")
    assert len(await chat.lines("user")) == 3

    # Erased, for good.
    await chat.open(f"/history/{seeded['chinese']}")
    await page.click(".actions .danger")
    await shot(chat, "erase")
    await page.click(".erase-form button")
    await page.wait_for_selector(".told")
    await page.fill("#q", "天氣")
    await page.press("#q", "Enter")
    await page.wait_for_selector(".nothing")
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
