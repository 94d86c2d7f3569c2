"""A conversation of one's own run again, in Chromium: asked for at a turn, followed, and both sides looked at."""

import asyncio
import secrets

import pytest

from tests.browser.conftest import OpenChat
from tests.browser.seed_history import seed
from tests.browser.test_accessibility import PHONE, no_sideways_scroll, no_violations
from tests.browser.test_history import shot, signed_in
from tests.server import Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.models, pytest.mark.asyncio(loop_scope="session")]
_WORK = "from conversations.rerun_tables import RerunJob as J; from conversations.rerun.jobs import work; "


async def test_run_again_from_a_turn_on_and_compared(stack: Stack, open_chat: OpenChat) -> None:
    seeded = seed(stack, f"again-{secrets.token_hex(4)}")
    chat = await signed_in(open_chat, stack, seeded, locale="zh-TW", color_scheme="dark", viewport=PHONE)
    page = chat.page
    await chat.open(f"/history/{seeded['english']}")
    await page.click('#turn-2 a[href*="/rerun?turn=2"]')
    await page.wait_for_selector("#llm option:text('smollm2')", state="attached")
    assert await page.input_value("#turn") == "2"
    await page.fill("#instructions", "Answer in one short sentence.")
    await no_sideways_scroll(chat)
    await no_violations(chat)
    await shot(chat, "rerun-asked")
    await page.click(".erase-form button")
    await page.wait_for_selector("#rerun-state[data-running]")
    await no_violations(chat)
    await shot(chat, "rerun-waiting")

    job = page.url.rsplit("/", 1)[-1]
    await asyncio.to_thread(stack.manage, "shell", "--no-imports", "-c", f"{_WORK}work('{job}')")

    await page.wait_for_selector("#rerun-state:not([data-running])")  # the page finds out by itself
    assert await page.locator(".then-now li").count() == 2
    then, now = await page.locator("#turn-2 .side .line-words").all_inner_texts()
    assert then == "Once there was a keeper who counted ships."
    assert now.strip()
    assert await page.locator(".then-now-figures tbody tr").count() == 3
    await no_sideways_scroll(chat)
    await no_violations(chat)
    await shot(chat, "rerun-done")
    await page.click("#rerun-acts a.primary")
    await page.wait_for_selector(".forked")
    assert await page.locator(".turn").count() == 3
    await page.click(".forked a")
    await page.wait_for_selector(".reruns li")
    await no_sideways_scroll(chat)
    await shot(chat, "rerun-listed")
    await chat.clean()
    await no_violations(chat)
