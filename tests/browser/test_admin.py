"""A moderator's walk through the admin: sign in, filter, open, listen, flag, uphold, redact, hide, erase, dismiss."""

import re

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser.conftest import ChatPage, OpenChat
from tests.server import Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]
PASSWORD = "a moderator's password"
PREPARE = f"""
import numpy as np
from django.contrib.auth.models import Group
from avatar_project.models import User
from conversations.models import Conversation, Turn
from conversations.services import moderation
from inference.audio.opus import encode_opus
from tests.conversations.fill import fill
mia = User.objects.create_user("mia", password={PASSWORD!r}, is_staff=True)
mia.groups.add(Group.objects.get(name="moderator"))
owners = [str(User.objects.create_user(name).pk) for name in ("anna", "ben")]
tone = (np.sin(np.arange(24_000) / 9) * 9000).astype("<i2").tobytes()
filled = fill(conversations=60, turns=4, owner_ids=owners, sound=encode_opus(tone))
for conversation_id in filled.conversation_ids[:3]:
    moderation.flag(conversation_id, actor=None, reason="hate", rule="slurs")
spoken = Turn.objects.exclude(user_audio_id="").exclude(reply_audio_id="").filter(status="completed", number=1)
print(spoken.filter(conversation__in=filled.conversation_ids[3:]).first().conversation_id)
"""


@pytest.fixture(scope="module")
def moderated(web: Stack) -> str:
    """Conversations of two people, three of them flagged by a rule; the id of one more, which has sound."""
    return web.manage("shell", "--verbosity", "0", "-c", PREPARE).split()[-1]


async def signed_in(web: Stack, open_chat: OpenChat, **context: object) -> ChatPage:
    chat = await open_chat(web, **context)
    await chat.open("/admin/")
    await chat.page.fill("#id_username", "mia")
    await chat.page.fill("#id_password", PASSWORD)
    await chat.page.press("#id_password", "Enter")
    await chat.page.wait_for_selector(".panel")
    return chat


async def accessible(page: Page) -> None:
    """What we have added: the rest of the page is Django's."""
    # Not preloaded: for Django's sheets that import others it would try inline styles, which the policy forbids.
    found = await Axe().run(page, context={"include": [["#content"]]}, options={"preload": False})
    assert found.violations_count == 0, found.generate_report()


async def confirmed(page: Page, button: str, reason: str, *, note: str = "") -> None:
    """Presses a button of the page in view, gives the reason, and confirms."""
    await page.get_by_role("link", name=button, exact=True).first.click()
    await page.wait_for_selector(".confirm")
    await page.select_option("#id_reason", reason)
    if note:
        await page.fill("#id_note", note)
    await accessible(page)
    await page.locator(".answers button").click()
    await page.wait_for_selector(".messagelist .success")


async def found_by_filter_and_by_search(chat: ChatPage, conversation: str) -> None:
    page = chat.page
    await chat.open("/admin/conversations/conversation/")
    await expect(page.locator("#result_list tbody tr")).to_have_count(50)
    await page.get_by_role("link", name="with open flags").click()
    await expect(page.locator("#result_list tbody tr")).to_have_count(3)
    await page.fill("#searchbar", conversation)
    await page.press("#searchbar", "Enter")
    await expect(page.locator("#result_list tbody tr")).to_have_count(0)
    await page.get_by_role("link", name=re.compile("Clear all filters")).click()
    await page.fill("#searchbar", conversation)
    await page.press("#searchbar", "Enter")
    await page.locator("#result_list tbody th a").click()
    await expect(page.locator("#turns-heading")).to_be_visible()
    await accessible(page)


async def opened_and_listened_to(chat: ChatPage) -> None:
    page = chat.page
    assert await page.locator(".turn .words").count() == 0
    await page.get_by_role("button", name="Open the words").click()
    assert await page.locator(".closed select[name=reason]:invalid").count() == 1, "no reason is there by itself"
    await page.select_option(".closed select[name=reason]", "complaint")
    await page.get_by_role("button", name="Open the words").click()
    await expect(page.locator(".turn .words")).to_have_count(4)
    await accessible(page)
    await page.locator(".turn").first.get_by_role("button", name=re.compile("The person")).click()
    sound = page.locator(".turn").first.locator("audio")
    await sound.evaluate("audio => audio.play()")
    await chat.until("document.querySelector('.turn audio').currentTime > 0.2")
    assert 0.9 < await sound.evaluate("audio => audio.duration") < 1.2


async def flagged_redacted_hidden_and_erased(page: Page) -> None:
    await confirmed(page, "Flag", "hate", note="please look at the first turn")
    await expect(page.locator("#flags-heading")).to_be_visible()
    await expect(page.get_by_text("please look at the first turn").first).to_be_visible()
    await confirmed(page, "Uphold", "confirmed")
    await page.locator(".turn").first.get_by_role("link", name="Redact", exact=True).click()
    await expect(page.get_by_text("This cannot be undone.")).to_be_visible()
    await page.select_option("#id_reason", "third_party")
    await page.locator(".answers button").click()
    await expect(page.locator(".turn .words")).to_have_count(3)
    await expect(page.locator(".turn").first.get_by_text("redacted", exact=True)).to_be_visible()
    await confirmed(page, "Hide", "under_review")
    await expect(page.locator(".state-note")).to_contain_text("hidden")
    await confirmed(page, "Erase", "request")
    await expect(page.locator(".state-note")).to_contain_text("erased")
    assert await page.locator(".turn .words").count() == 0
    trail = await page.locator("section:has(#trail-heading) tbody tr").all_inner_texts()
    for act in ("erased", "hidden", "turn redacted", "upheld", "flagged", "recording heard", "words read"):
        assert sum(act in row for row in trail) == 1, (act, trail)
    await accessible(page)


async def all_flags_dismissed(chat: ChatPage) -> None:
    page = chat.page
    await chat.open("/admin/conversations/flag/?status=open")
    await page.locator("#action-toggle").check()
    await page.select_option(".actions select[name=action]", "dismiss")
    await page.get_by_role("button", name="Go").click()
    await expect(page.get_by_role("heading", name="It is done to 3:")).to_be_visible()
    await page.select_option("#id_reason", "rule_mistaken")
    await page.locator(".answers button").click()
    await expect(page.locator(".messagelist .success")).to_contain_text("3 of 3")
    await expect(page.locator("#result_list")).to_have_count(0)


async def test_a_moderators_walk(web: Stack, moderated: str, open_chat: OpenChat) -> None:
    chat = await signed_in(web, open_chat)
    await accessible(chat.page)
    await chat.page.get_by_role("link", name="Open flags").click()
    await expect(chat.page.locator("#result_list tbody tr")).to_have_count(3)
    await found_by_filter_and_by_search(chat, moderated)
    await opened_and_listened_to(chat)
    await flagged_redacted_hidden_and_erased(chat.page)
    await all_flags_dismissed(chat)
    await chat.clean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_speaks_chinese_and_is_readable_in_light_and_dark(
    web: Stack, moderated: str, open_chat: OpenChat, scheme: str
) -> None:
    chat = await signed_in(web, open_chat, locale="zh-TW", color_scheme=scheme)
    await expect(chat.page.locator(".panel")).to_contain_text("待處理標記")
    await chat.open("/admin/conversations/conversation/?person=")
    await chat.page.locator("#result_list tbody th a").first.click()
    await expect(chat.page.locator("#turns-heading")).to_have_text("輪次")
    await accessible(chat.page)
    await chat.clean()


@pytest.mark.usefixtures("moderated")
async def test_the_bar_of_somebody_of_the_staff_fits_every_width(web: Stack, open_chat: OpenChat) -> None:
    chat = await signed_in(web, open_chat)
    for path in ("/chat", "/history"):
        await chat.open(path)
        for width in (320, 360, 390, 640, 768, 1000, 1024, 1025, 1100, 1152, 1153, 1280):
            await chat.page.set_viewport_size({"width": width, "height": 640})
            over = await chat.page.evaluate("document.querySelector('.bar').scrollWidth - innerWidth")
            assert over <= 0, f"{path} at {width}: {over} px too wide"
