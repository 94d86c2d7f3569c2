"""Voices of people on the conversation's page, one's own voice, the line for a place, and less memory: what is said,
offered and sent, against a scripted server.
"""

import copy
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import ChatPage, OpenChat
from tests.browser.scripted import READY, ScriptedServer
from tests.browser.test_accessibility import PHONE, no_sideways_scroll, no_violations
from tests.server import Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]
SHOTS = os.environ.get("AVATAR_SCREENSHOTS", "")
OWN, SHARED = "0b8f3a52-0000-4000-8000-000000000001", "0b8f3a52-0000-4000-8000-000000000002"
Scripted = Callable[..., Awaitable[tuple[ChatPage, ScriptedServer]]]


def status(*, clones: bool = True, fine: bool = True) -> dict[str, Any]:
    told = copy.deepcopy(READY)
    told["host"]["voices"] = [
        {"id": "heart", "name": "Heart", "engine": "hibari", "languages": ["en", "en-US"]},
        {"id": "af_heart", "name": "Heart", "engine": "kokoro", "languages": ["en"]},
        {"id": "zm_yunxi", "name": "Yunxi", "engine": "kokoro", "languages": ["zh", "zh-TW", "zh-CN"]},
    ]
    told["profiles"] = [
        {"id": OWN, "name": "My own voice", "language": "en", "own": True},
        {"id": SHARED, "name": "Ada", "language": "zh-TW", "own": False},
    ]
    return told | {"clones": clones, "fine": fine}


@pytest.fixture
def scripted(web: Stack, open_chat: OpenChat) -> Scripted:
    async def open_(told: dict[str, Any] | None = None, **context: Any) -> tuple[ChatPage, ScriptedServer]:
        chat, server = await open_chat(web, **context), ScriptedServer()
        await server.serve(chat.page, status() if told is None else told)
        await chat.open()
        await chat.page.wait_for_selector("#machine dd", state="attached")
        return chat, server

    return open_


PRESETS = ["Heart (English, hibari)", "Heart (English, kokoro)", "Yunxi (Chinese)"]


async def shot(chat: ChatPage, name: str) -> None:
    if SHOTS:
        await chat.page.screenshot(path=Path(SHOTS) / f"{name}.png")


def asked(server: ScriptedServer) -> dict[str, Any]:
    """The session that the page asked for last."""
    session: dict[str, Any] = server.sent("session.update")[-1]["session"]
    return session


async def test_a_persons_voice_is_chosen(scripted: Scripted) -> None:
    chat, server = await scripted()
    voices = chat.page.locator("#voice option")
    names = [name.strip() for name in await voices.all_inner_texts()]
    assert names == ["The server's choice", "My own voice", "Ada (shared)", *PRESETS]
    await chat.page.select_option("#language", "en")
    assert "Ada (shared)" not in await chat.page.inner_text("#voice")
    await chat.page.select_option("#voice", OWN)
    await chat.start()
    await chat.state("listening")
    assert asked(server)["audio"]["output"]["voice"] == OWN
    await no_violations(chat)
    await chat.clean()


async def test_voices_of_the_pages_language_come_first(scripted: Scripted) -> None:
    chat, _ = await scripted(locale="zh-TW")
    names = [name.strip() for name in await chat.page.locator("#voice option").all_inner_texts()]
    assert names[3:] == ["Yunxi (中文)", "Heart (英文, hibari)", "Heart (英文, kokoro)"]


async def test_where_nothing_clones_peoples_voices_and_fine_speech_are_not_offered(scripted: Scripted) -> None:
    chat, _server = await scripted(status(clones=False, fine=False))
    assert await chat.page.locator(f'#voice option[value="{OWN}"]').is_disabled()
    assert await chat.page.locator("#quality").is_hidden()
    assert await chat.page.locator("#self-voice-choice").is_hidden()


async def test_fine_speech_is_asked_for_and_given_up_again(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.start()
    await chat.state("listening")
    assert asked(server)["avatar"] == {"quality": "fast"}
    await chat.page.check('input[name="quality"][value="fine"]')
    await chat.until("true")
    assert asked(server)["avatar"] == {"quality": "fine"}
    await chat.page.check('input[name="quality"][value="fast"]')
    await chat.until("true")
    assert asked(server)["avatar"] == {"quality": "fast"}


async def test_who_asks_for_fine_speech_sees_it_being_loaded(scripted: Scripted) -> None:
    told = status()
    loading = {"kind": "tts", "model": "cosyvoice", "state": "loading", "progress": 0.4, "languages": ["en"]}
    told["host"]["engines"].append(loading)
    chat, server = await scripted(told)
    await expect(chat.page.locator("#machine")).to_contain_text("cosyvoice, warming up 40 %")
    await expect(chat.page.locator("#notice")).to_be_hidden()
    await chat.page.check('input[name="quality"][value="fine"]')
    assert "fine voice is being loaded" in await chat.notice()
    assert await chat.page.locator("#notice-progress").evaluate("bar => bar.value") == 0.4
    await no_violations(chat)
    await chat.start()
    await chat.state("listening")
    server.say("avatar.engines", ready=True, engines=[*READY["host"]["engines"], loading | {"state": "ready"}])
    await expect(chat.page.locator("#notice")).to_be_hidden()


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("zh-TW", "dark")])
async def test_ones_own_voice_is_taken_only_with_consent(scripted: Scripted, locale: str, scheme: str) -> None:
    chat, server = await scripted(locale=locale, color_scheme=scheme, viewport={"width": 1200, "height": 900})
    box, dialog = chat.page.locator("#self-voice"), chat.page.locator("#self-voice-dialog")
    assert await box.is_disabled()
    await chat.start()
    await chat.state("listening")
    await box.click()
    await expect(dialog).to_be_visible()
    await no_violations(chat)
    await shot(chat, f"self-voice-{locale}")
    await chat.page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    assert not await box.is_checked()
    assert server.sent("avatar.self_voice.update") == []

    await box.click()
    await dialog.locator("button.primary").click()
    await expect(dialog).to_be_hidden()
    agreed = await server.until_sent("avatar.self_voice.update")
    assert agreed["consent"] is True
    assert not await box.is_checked()  # until the server has said so
    server.say("avatar.self_voice.updated", state="collecting", speech_s=1.2, needed_s=3.0)
    await expect(box).to_be_checked()
    await expect(chat.page.locator("#self-voice-now")).to_contain_text("1.2")
    server.say("avatar.self_voice.updated", state="ready", speech_s=3.4, needed_s=3.0)
    await no_violations(chat)
    await shot(chat, f"self-voice-on-{locale}")
    await box.click()
    assert (await server.until_sent("avatar.self_voice.update", times=2))["consent"] is False
    server.say("avatar.self_voice.updated", state="off", speech_s=0.0, needed_s=3.0)
    await expect(box).not_to_be_checked()

    server.say("avatar.self_voice.updated", state="ready", speech_s=3.4, needed_s=3.0)
    await expect(box).to_be_checked()
    await chat.page.click("#end")
    await expect(box).not_to_be_checked()
    await chat.clean()


async def test_who_waits_for_a_place_is_told_where_they_stand(scripted: Scripted) -> None:
    chat, server = await scripted()
    server.on_connect = lambda: server.say("avatar.queue", position=3, places=8, expected_s=42.4)
    await chat.start()
    await chat.state("queued")
    assert "number 3" in await chat.notice()
    assert "42 s" in await chat.notice()
    await no_violations(chat)
    await shot(chat, "queued")
    await chat.type("Are you there?")  # keeps the place in the line
    server.say("avatar.queue", position=1, places=8, expected_s=200.0)
    await chat.until("document.querySelector('#notice').innerText.includes('number 1')")
    assert "3 minutes" in await chat.notice()
    server.greet()
    await chat.state("thinking")
    assert len(server.addresses) == 1
    assert [event["item"]["content"][0]["text"] for event in server.sent("conversation.item.create")] == [
        "Are you there?"
    ]
    await expect(chat.page.locator("#notice")).to_be_hidden()
    await chat.clean()


async def test_the_line_can_be_left(scripted: Scripted) -> None:
    chat, server = await scripted()
    server.on_connect = lambda: server.say("avatar.queue", position=2, places=8, expected_s=None)
    await chat.start()
    await chat.state("queued")
    await chat.page.get_by_role("button", name="Leave the line").click()
    await chat.state("idle")
    assert len(server.addresses) == 1


@pytest.mark.parametrize(
    ("level", "words"),
    [("no_fine", "fine voice is resting"), ("no_clones", "Borrowed voices"), ("text_only", "written only")],
)
async def test_what_the_server_gives_up_is_said_in_plain_words(scripted: Scripted, level: str, words: str) -> None:
    chat, server = await scripted()
    await chat.start()
    await chat.state("listening")
    server.say("avatar.service", level=level, reason="memory", message="…")
    assert words in await chat.notice()
    await no_violations(chat)
    server.say("avatar.service", level="full", reason="", message="…")
    await expect(chat.page.locator("#notice")).to_be_hidden()
    await chat.clean()


@pytest.mark.parametrize(("locale", "says"), [("en-GB", "may not be used any more"), ("zh-TW", "這個聲音不能再使用了")])
async def test_a_voice_that_is_taken_back_falls_silent_and_is_chosen_no_longer(
    scripted: Scripted, locale: str, says: str
) -> None:
    chat, server = await scripted(locale=locale)
    await chat.page.select_option("#voice", OWN)
    await chat.type("Tell me something.")
    await chat.state("thinking")
    server.answers()
    await chat.state("speaking")
    await chat.until_heard()
    server.say("output_audio_buffer.cleared", response_id="r-1")
    server.say(
        "avatar.voice_stopped", voice=OWN, instead="heart", reason="withdrawn", message="This voice was taken back."
    )
    await expect(chat.page.locator("#trouble")).to_contain_text(says)
    await chat.until_silent()
    assert await chat.page.input_value("#voice") == ""
    assert asked(server)["audio"]["output"]["voice"] is None
    await chat.clean()


async def test_another_voice_that_steps_in_is_said_once(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.page.select_option("#voice", OWN)
    await chat.type("Tell me something.")
    await chat.state("thinking")
    spoken = {"response_id": "r-1", "item_id": "a-1", "engine": "hibari", "cloned": False, "fallback": "engine_away"}
    server.say("avatar.speech", index=0, **spoken)
    await expect(chat.page.locator("#trouble")).to_contain_text("another one does")
    assert await chat.page.input_value("#voice") == OWN


async def test_the_settings_with_voices_fit_a_phone(scripted: Scripted) -> None:
    chat, _server = await scripted(viewport=PHONE, has_touch=True)
    await chat.page.click("#panel-toggle")
    await chat.page.wait_for_selector(".panel.open")
    await chat.until("document.querySelector('.panel').getBoundingClientRect().right <= innerWidth")
    await no_sideways_scroll(chat)
    await no_violations(chat)
    await shot(chat, "chat-voices-phone")
