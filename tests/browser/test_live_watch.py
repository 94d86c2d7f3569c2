"""One person talks in a browser; in another a moderator watches, mutes, and ends it. Real server, real models."""

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser.conftest import ChatPage, OpenChat
from tests.server import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.models,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.flaky(reruns=2),
]
PASSWORD = "a long enough password"
LONG = "Tell me a long story about the sea and a lighthouse keeper."


@pytest.fixture(scope="module")
def watched(stack: Stack) -> Stack:
    """The running server with a moderator."""
    code = (
        "from django.contrib.auth import get_user_model as u;"
        f"u().objects.create_superuser('moderator', password='{PASSWORD}')"
    )
    stack.manage("shell", "-c", code)
    return stack


async def sign_in(chat: ChatPage, path: str) -> Page:
    page = chat.page
    await chat.open(f"/accounts/login/?next={path}")
    await page.fill("input[name=username]", "moderator")
    await page.fill("input[name=password]", PASSWORD)
    await page.press("input[name=password]", "Enter")
    await page.wait_for_url(f"**{path}")
    return page


async def accessible(page: Page) -> None:
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


async def test_a_moderator_follows_a_conversation_and_ends_it(
    watched: Stack, open_chat: OpenChat, tmp_path: Path
) -> None:
    moderator = await open_chat(watched)
    page = await sign_in(moderator, "/admin/live/")
    await page.get_by_text("Nobody is talking").wait_for()

    talker = await (await open_chat(watched, asks=True)).open()
    await talker.type("Say hello to the lighthouse keeper.")
    await talker.until_heard()
    await page.get_by_role("link", name="Watch").wait_for()
    await accessible(page)
    await page.screenshot(path=tmp_path / "list.png", full_page=True)
    await page.get_by_role("link", name="Watch").click()

    await expect(page.locator(".live-user .live-words")).to_have_text("Say hello to the lighthouse keeper.")
    await expect(page.locator(".live-assistant .live-words").first).to_have_text(re.compile(r"\w+"))
    await expect(page.locator("#state-text")).to_have_text("Live")
    await talker.hush()
    await talker.type(LONG)
    await page.locator(".live-user .live-words", has_text="a long story").wait_for()
    await talker.state("speaking")
    await accessible(page)
    await page.screenshot(path=tmp_path / "watch.png", full_page=True)

    await page.select_option("#reason", "abuse")
    await page.click("#mute")
    await expect(page.locator("#state-text")).to_have_text("Muted by a moderator")
    await talker.page.get_by_role("heading", name="A moderator has muted you").wait_for()
    await talker.until_silent()
    await talker.type("Can you hear me?")
    await talker.page.screenshot(path=tmp_path / "muted.png", full_page=True)
    await page.screenshot(path=tmp_path / "watch-muted.png", full_page=True)
    assert await page.locator(".live-user", has_text="Can you hear me?").count() == 0

    await page.select_option("#reason", "resolved")
    await page.click("#unmute")
    await expect(page.locator("#state-text")).to_have_text("Live")
    await expect(talker.page.get_by_role("heading", name="A moderator has muted you")).to_be_hidden()
    await talker.type(LONG)
    await talker.state("speaking")
    await page.select_option("#flag-reason", "quality")
    await page.fill("#flag-note", "Listen to this.")
    await page.click("button[value=flag]")
    await expect(page.locator("#flags")).to_have_text("1")
    await page.select_option("#reason", "danger")
    ended_at = await talker.now()
    await page.click("button[value=end]")
    await talker.state("forbidden")
    assert await talker.now() - ended_at < 3000
    await talker.page.get_by_role("heading", name="A moderator ended this conversation").wait_for()
    await talker.until_silent()
    await expect(page.locator("#state-text")).to_have_text("This session has ended")
    await page.screenshot(path=tmp_path / "ended.png", full_page=True)
    await talker.page.screenshot(path=tmp_path / "cut.png", full_page=True)
    for chat in (moderator, talker):
        await chat.clean()
    heard = json.loads(watched.manage("shell", "-c", HEARD).splitlines()[-1])
    assert heard == [["words", "live"]]


HEARD = (
    "import json;from conversations.log.models import Event;"
    "print(json.dumps([[p['what'],p['reason']] for p in map(json.loads,"
    "Event.objects.filter(type='recording.heard').values_list('payload',flat=True))]))"
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_speak_chinese_and_fit_a_phone(
    watched: Stack, open_chat: OpenChat, scheme: str, tmp_path: Path
) -> None:
    phone = {"width": 390, "height": 780}
    moderator = await open_chat(watched, locale="zh-TW", color_scheme=scheme, viewport=phone)
    page = await sign_in(moderator, "/admin/live/")
    talker = await (await open_chat(watched, asks=True)).open()
    await talker.type("Hello.")
    await page.get_by_role("link", name="旁觀").wait_for()
    await accessible(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.screenshot(path=tmp_path / f"list-zh-{scheme}.png", full_page=True)
    await page.get_by_role("link", name="旁觀").click()
    await expect(page.locator("#state-text")).to_have_text("進行中")
    await page.locator(".live-user").wait_for()
    await accessible(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.screenshot(path=tmp_path / f"watch-zh-{scheme}.png", full_page=True)
    await talker.hush()
    await talker.page.click("#end")
    await expect(page.locator("#state-text")).to_have_text("連線已結束")
    await moderator.clean()
