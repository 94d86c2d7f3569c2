"""A person's voice in a real browser, spoken by F5-TTS' real package (random weights: noise) and marked; taken back."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import AUDIBLE, ChatPage, OpenChat
from tests.browser.test_accessibility import no_violations
from tests.conversations.lend_voice import Withdrawal, lend_voice
from tests.engine_host import wait_for
from tests.engines import f5_settings, python_of
from tests.server import Stack

# The small chat model says something else each time: an answer that is over too soon is asked for again.
pytestmark = [
    pytest.mark.flaky(reruns=2),
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.models,
    pytest.mark.engines,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
LONG = "Tell me a long story about the sea and a lighthouse keeper."
LOAD_S = 300.0
SPEAKS_WITHIN_MS = 90_000
SHOTS = os.environ.get("AVATAR_SCREENSHOTS", "")


@pytest.fixture(scope="module")
def clones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An installation that clones, once its engines are there."""
    python_of("watermark")
    with Stack(tmp_path_factory.mktemp("clones"), f5_settings()) as running:
        wait_for(lambda: engines_ready(running), "F5 and the watermark being ready", LOAD_S)
        yield running


def engines_ready(stack: Stack) -> bool:
    engines = stack.health()[1]["engines"]
    assert isinstance(engines, list)
    states = {engine["model"]: engine["state"] for engine in engines}
    return [states.get(model) for model in ("tiny", "perth")] == ["ready", "ready"]


async def in_the_voice(chat: ChatPage, voice: str) -> None:
    """Chooses the voice, asks, and returns when it is heard and shown."""
    await chat.page.wait_for_selector(f'#voice option[value="{voice}"]:not([disabled])', state="attached")
    await chat.page.select_option("#voice", voice)
    await chat.type(LONG)
    shown = chat.page.locator(".line.assistant .line-voice").last
    await expect(shown).not_to_be_empty(timeout=SPEAKS_WITHIN_MS)
    await chat.until(f"heard.some(({{ rms }}) => rms > {AUDIBLE})", timeout_ms=SPEAKS_WITHIN_MS)


async def shot(chat: ChatPage, name: str) -> None:
    if SHOTS:
        await chat.page.screenshot(path=Path(SHOTS) / f"{name}.png")


async def test_a_cloned_voice_is_told_as_what_it_is_and_when_it_is_taken_back_another_goes_on(
    clones: Stack, open_chat: OpenChat
) -> None:
    voice = await asyncio.to_thread(lend_voice, clones)
    withdrawal = await asyncio.to_thread(Withdrawal, clones, voice)
    chat = await (await open_chat(clones, asks=True)).open()
    await in_the_voice(chat, voice)
    await expect(chat.page.locator(".line.assistant .line-voice").last).to_have_text("in the cloned voice of Ada")
    await shot(chat, "cloned")
    await asyncio.to_thread(withdrawal.now)
    await expect(chat.page.locator("#trouble")).to_contain_text("may not be used any more")
    withdrawn_at = await chat.now()
    await shot(chat, "withdrawn")
    assert await chat.page.input_value("#voice") == ""
    await chat.until(f"heard.some(({{ at, rms }}) => at > {withdrawn_at} && rms > {AUDIBLE})")
    await no_violations(chat)
    await shot(chat, "withdrawn-goes-on")
    await chat.hush()

    await chat.type("And now say good night.")
    await chat.until_heard()
    await chat.hush()
    assert await chat.page.locator(".line.assistant .line-voice").last.inner_text() == ""
    assert await asyncio.to_thread(lend_voice, clones, "closed", voice) != "0", "with the record of its origin"
    await chat.clean()
