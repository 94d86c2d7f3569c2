"""Everybody can use it: axe-core finds nothing, a phone's width suffices, and so does the keyboard."""

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.conftest import ChatPage, OpenChat
from tests.browser.scripted import ScriptedServer
from tests.server import Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]
PHONE = {"width": 360, "height": 640}


async def no_violations(chat: ChatPage) -> None:
    found = await Axe().run(chat.page)
    assert found.violations_count == 0, found.generate_report()


async def no_sideways_scroll(chat: ChatPage) -> None:
    assert await chat.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    hidden = ".visually-hidden, .skip-link, .bar-label, .brand-name, .panel:not(.open)"
    beyond = f"e.checkVisibility() && !e.closest('{hidden}') && e.getBoundingClientRect().right > innerWidth + 1"
    script = f"[...document.querySelectorAll('body *')].filter((e) => {beyond})"
    assert await chat.page.evaluate(f"{script}.map(e => e.outerHTML.slice(0, 80))") == []


@pytest.mark.parametrize("locale", ["en-GB", "zh-TW"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_conversation_is_accessible(web: Stack, open_chat: OpenChat, locale: str, scheme: str) -> None:
    chat, server = await open_chat(web, locale=locale, color_scheme=scheme), ScriptedServer()
    await server.serve(chat.page)
    await chat.open()
    await chat.page.wait_for_selector("#small-model")
    await no_violations(chat)
    await chat.start()
    await chat.state("listening")
    server.hears()
    server.understands()
    server.answers()
    await chat.page.wait_for_selector(".sentence.current")
    await no_violations(chat)
    server.hears("u-2", "")
    await chat.page.wait_for_selector(".unheard")
    await chat.page.select_option("#language", "zh-TW")
    await chat.page.click("#latency summary")
    await no_violations(chat)
    # A full server stays a notice; a lost connection's may be over before it was looked at.
    server.on_connect = lambda: server.refuse("server_full", 4013)
    server.refuse("", 4000)
    await chat.state("full")
    await chat.page.wait_for_selector("#notice")
    await no_violations(chat)
    assert await chat.page.evaluate("document.documentElement.lang") == ("zh-Hant" if locale == "zh-TW" else "en")
    await chat.clean()


@pytest.mark.parametrize("locale", ["en-GB", "zh-TW"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_other_pages_are_accessible(web: Stack, open_chat: OpenChat, locale: str, scheme: str) -> None:
    chat = await open_chat(web, locale=locale, color_scheme=scheme, viewport=PHONE)
    for path in ("/accounts/login/?next=/admin/", "/nothing-here"):
        await chat.open(path)
        await no_violations(chat)
        await no_sideways_scroll(chat)


@pytest.mark.parametrize("locale", ["en-GB", "zh-TW"])
async def test_a_phone_is_wide_enough(web: Stack, open_chat: OpenChat, locale: str) -> None:
    chat, server = await open_chat(web, locale=locale, viewport=PHONE, has_touch=True), ScriptedServer()
    await server.serve(chat.page)
    await chat.open()
    await no_sideways_scroll(chat)
    await chat.page.click("#panel-toggle")
    await chat.page.wait_for_selector(".panel.open")
    await chat.page.select_option("#language", "zh-TW")
    await no_violations(chat)
    await no_sideways_scroll(chat)
    await chat.choose("push-to-talk")
    await chat.page.keyboard.press("Escape")
    await chat.start()
    await chat.state("holding")
    await no_sideways_scroll(chat)
    server.answers()
    await chat.page.wait_for_selector(".sentence.current")
    server.say("conversation.item.added", item=long_word())
    await no_sideways_scroll(chat)
    await no_violations(chat)
    server.refuse("server_full", 4013)
    await chat.state("full", "speaking")
    await chat.page.wait_for_selector("#notice")
    await no_sideways_scroll(chat)
    assert await chat.page.evaluate("document.querySelector('#send').getBoundingClientRect().bottom <= innerHeight")


def long_word() -> dict[str, object]:
    return {"id": "u-9", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "w" * 200}]}


async def test_the_keyboard_reaches_everything(web: Stack, open_chat: OpenChat) -> None:
    chat, server = await open_chat(web), ScriptedServer()
    await server.serve(chat.page)
    await chat.open()
    reached: list[str] = []
    for _ in range(30):
        await chat.page.keyboard.press("Tab")
        reached.append(await chat.page.evaluate("document.activeElement.id || document.activeElement.name || ''"))
    wanted = {
        "new",
        "interface-language",
        "theme",
        "transcript",
        "start",
        "message",
        "mode",
        "language",
        "voice",
        "aloud",
    }
    assert wanted <= set(reached)
    await chat.page.locator("#message").focus()
    await chat.page.keyboard.type("Who was it?")
    await chat.page.keyboard.press("Enter")
    await chat.state("thinking")
    server.answers()
    await chat.state("speaking")
    await chat.page.keyboard.press("Escape")
    await chat.state("typing")
    await chat.until_silent()


async def test_a_narrow_bar_keeps_the_rest_in_a_menu(web: Stack, open_chat: OpenChat) -> None:
    chat = await (await open_chat(web, viewport=PHONE)).open()
    page = chat.page
    await page.focus("#more")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#bar-rest:popover-open")
    await no_violations(chat)
    await no_sideways_scroll(chat)
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent.trim()") == "Voices"
    await page.keyboard.press("Escape")
    await page.wait_for_selector("#theme", state="hidden")
    assert await page.evaluate("document.activeElement.id") == "more"
    await page.click("#more")
    await page.get_by_role("link", name="Voices", exact=True).click()
    await page.wait_for_url("**/voice-profiles")


async def test_the_theme_button_outweighs_the_system_and_stays(web: Stack, open_chat: OpenChat) -> None:
    chat = await (await open_chat(web, color_scheme="light")).open()
    colour = "getComputedStyle(document.body).backgroundColor"
    light = await chat.page.evaluate(colour)
    await chat.page.click("#theme")
    dark = await chat.page.evaluate(colour)
    assert dark != light
    await chat.page.reload()
    assert await chat.page.evaluate(colour) == dark


async def test_the_page_changes_its_language(web: Stack, open_chat: OpenChat) -> None:
    chat = await (await open_chat(web)).open()
    await chat.page.select_option("#interface-language", "zh-hant")
    await chat.page.get_by_role("button", name="開始說話").wait_for()
    assert await chat.page.inner_text("#status-text") == "隨時可以開始"
    await chat.page.select_option("#interface-language", "en")
    await chat.page.get_by_role("button", name="Start talking").wait_for()
    await chat.clean()


async def test_nothing_moves_for_those_who_ask_for_stillness(web: Stack, open_chat: OpenChat) -> None:
    chat, server = await open_chat(web, reduced_motion="reduce"), ScriptedServer()
    await server.serve(chat.page)
    await chat.open()
    await chat.start()
    await chat.state("listening")
    server.hears(text="")
    await chat.page.wait_for_selector(".line-waiting")
    assert await chat.page.evaluate("document.getAnimations().length") == 0
