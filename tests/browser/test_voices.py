"""A person's walk through their voices, in a real browser with a recorded microphone and the real engines."""

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import ChatPage, OpenChat, words
from tests.browser.speech import speech_file
from tests.browser.test_accessibility import no_violations
from tests.server import Stack

# Whisper base may mishear two of six words now and then: another sentence is read.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.models,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.flaky(reruns=1),
]
SHOTS = os.environ.get("AVATAR_SCREENSHOTS", "")
SAMPLE = (
    "The morning was clear and cold. A thin line of smoke rose over the village, "
    "and somewhere behind the hills a train was already on its way to the sea."
)
MAKE_PREVIEWS = """
from voices.models import Preview
from voices.preview_job import make
print([make(preview.id) for preview in Preview.objects.filter(state="queued")])
"""
"""What the task cluster does."""


async def shot(chat: ChatPage, name: str) -> None:
    if SHOTS:
        await chat.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


async def record(chat: ChatPage, step: str, for_ms: int) -> None:
    """Records with the button of that step, listens to it, and sends it."""
    button = chat.page.locator(f"#{step} [data-part=record]")
    await button.click()
    await expect(button).to_have_attribute("data-recording", "true")
    await chat.page.wait_for_timeout(for_ms)
    await shot(chat, f"voices-{step}-recording")
    await button.click()
    recorded = chat.page.locator(f"#{step} audio[data-part=play]")
    await expect(recorded).to_be_visible()
    await recorded.evaluate("audio => audio.play()")
    await chat.until(f"document.querySelector('#{step} audio[data-part=play]').currentTime > 0.1")
    async with chat.page.expect_navigation():
        await chat.page.locator(f"#{step} [data-part=send]").click()
    assert await chat.page.locator(".told.refused").all_inner_texts() == []


async def sampled(chat: ChatPage) -> None:
    """A new voice is named, recorded, and what was heard is corrected."""
    page = chat.page
    await page.get_by_role("link", name="New voice").click()
    await page.fill("#name", "My own voice")
    await no_violations(chat)
    await page.get_by_role("button", name="Next").click()
    await page.wait_for_selector("#sample[data-now]")
    await no_violations(chat)
    await shot(chat, "voices-sample")
    await record(chat, "sample", 11_000)

    await page.wait_for_selector("#transcript[data-now] textarea")
    heard = await page.input_value("#words")
    assert {"morning", "smoke", "village", "train"} <= set(words(heard))
    await no_violations(chat)
    await shot(chat, "voices-transcript")
    await page.fill("#words", SAMPLE)
    await page.locator("#transcript button").click()


async def consented(chat: ChatPage, microphone: Path) -> None:
    page = chat.page
    await page.wait_for_selector("#consent[data-now]")
    await shot(chat, "voices-consent")
    await page.get_by_role("button", name="Give me a sentence").click()
    sentence = await page.inner_text("#consent .say")
    await no_violations(chat)
    speech_file(microphone, sentence, before_s=0.5, after_s=1)  # read anew each time the microphone opens
    await record(chat, "consent", 14_000)
    await page.wait_for_url("**#try")
    assert await page.get_attribute(".voice-state", "data-state") == "usable"
    await no_violations(chat)
    await shot(chat, "voices-ready")


async def tried(chat: ChatPage, stack: Stack) -> None:
    page = chat.page
    await page.fill("#text", "This is what I would say.")
    await page.get_by_role("button", name="Say it").click()
    await page.wait_for_selector(".tries [data-running]")
    await no_violations(chat)
    assert "done" in stack.manage("shell", "-v", "0", "-c", MAKE_PREVIEWS)
    sound = page.locator(".tries audio")
    await sound.evaluate("audio => audio.play()")
    await chat.until("document.querySelector('.tries audio').currentTime > 0.3")
    await no_violations(chat)
    await shot(chat, "voices-tried")


async def withdrawn_and_deleted(chat: ChatPage) -> None:
    page = chat.page
    await chat.open("/voice-profiles")
    await shot(chat, "voices-list")
    await page.get_by_role("link", name="My own voice", exact=True).click()
    await page.get_by_role("link", name="Withdraw my consent").click()
    await no_violations(chat)
    await shot(chat, "voices-withdraw")
    await page.get_by_role("button", name="Withdraw it").click()
    await page.wait_for_selector("#sample[data-now]")
    assert await page.locator("#sample audio[src]").count() == 0
    await page.get_by_role("link", name="Delete this voice").click()
    await page.get_by_role("button", name="Delete for good").click()
    await page.wait_for_selector(".told")
    assert await page.get_by_text("My own voice").count() == 0


async def test_a_voice_is_made_consented_to_tried_and_withdrawn(
    stack: Stack, open_chat: OpenChat, tmp_path: Path
) -> None:
    microphone = speech_file(tmp_path / "microphone.wav", SAMPLE, before_s=0.5, after_s=1)
    chat = await open_chat(stack, microphone=microphone)
    await chat.open("/voice-profiles")
    await expect(chat.page.get_by_role("heading", name="Voices", exact=True)).to_be_visible()
    await no_violations(chat)
    await shot(chat, "voices-empty")
    await sampled(chat)
    await consented(chat, microphone)
    await tried(chat, stack)
    await chat.open("/chat")
    await chat.page.wait_for_selector("#voice option:text('My own voice')", state="attached")
    await withdrawn_and_deleted(chat)
    await chat.clean()
