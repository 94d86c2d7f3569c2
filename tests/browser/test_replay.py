"""A real conversation heard again in a browser: the sound, the words that light up, the keys."""

import asyncio
import itertools
import json
from pathlib import Path
from typing import Literal
from urllib.request import Request, urlopen

import numpy as np
import pytest

from inference.audio.opus import decode_opus
from tests.browser.conftest import ChatPage, OpenChat
from tests.browser.speech import speech_file
from tests.browser.test_accessibility import no_sideways_scroll, no_violations
from tests.server import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.models,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.flaky(reruns=2),
]


async def talked(stack: Stack, open_chat: OpenChat, tmp_path: Path, **context: object) -> tuple[ChatPage, str]:
    """A page after a spoken question was answered; and the conversation's id."""
    question = speech_file(tmp_path / "question.wav", "What is the capital of France?")
    chat = await (await open_chat(stack, microphone=question, **context)).open()
    await chat.start()
    await chat.passed("listening", "hearing", "thinking", "speaking")
    await chat.until_audible_for(1000)
    conversation_id = await chat.page.evaluate("sessionStorage.getItem('avatar.conversation')")
    await chat.hush()
    await chat.page.click("#end")
    await asyncio.sleep(0.5)  # what was heard last is recorded
    return chat, str(conversation_id)


async def fetched(chat: ChatPage, stack: Stack, path: str) -> bytes:
    cookies = await chat.page.context.cookies()
    header = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in cookies)
    request = Request(stack.base_url + path, headers={"Cookie": header})
    return await asyncio.to_thread(lambda: urlopen(request, timeout=30).read())


async def test_a_conversation_is_heard_again(stack: Stack, open_chat: OpenChat, tmp_path: Path) -> None:
    chat, conversation_id = await talked(stack, open_chat, tmp_path)
    base = f"/history/{conversation_id}"
    line = json.loads(await fetched(chat, stack, f"{base}/timeline"))
    sound = decode_opus(await fetched(chat, stack, f"{base}/audio"))
    assert abs(len(sound) / 48 - line["duration_ms"]) < 1
    said = {one["who"]: one for one in line["utterances"]}
    assert all(one["exact"] for one in line["utterances"])
    for one in said.values():
        part = np.frombuffer(sound, "<i2")[one["start_ms"] * 24 : one["end_ms"] * 24]
        assert np.abs(part).max() > 1000, one["who"]

    await chat.open(f"{base}/replay")
    await chat.page.wait_for_selector("#tracks > div")  # the waveforms are drawn
    await chat.page.wait_for_selector("#waterfall-plot:visible")
    assert await chat.page.locator(".marks li").count() > 5
    await chat.page.keyboard.press(" ")
    await chat.page.wait_for_selector('[data-who="user"].current')
    await chat.page.keyboard.press(".")
    await chat.page.keyboard.press(".")
    assert await chat.page.inner_text("#speed-figure") == "1.5×"
    await chat.page.wait_for_selector('.replay-turn[aria-current] [data-who="reply"].current')
    assert await chat.page.locator(".marks .now").count() + await chat.page.locator(".marks .past").count() > 3
    # A short answer may have been heard to its end by now: then the key begins anew.
    was = await chat.page.get_attribute("#play", "aria-pressed")
    await chat.page.keyboard.press("k")
    await chat.page.wait_for_selector(f'#play[aria-pressed="{"false" if was == "true" else "true"}"]')
    await chat.page.keyboard.press("p")
    await chat.until("document.querySelector('#now').textContent === '0:00'")
    await chat.page.check("#skip")
    await chat.page.locator("body").focus()
    await chat.page.click('[data-who="reply"] .seek')
    await chat.page.click("#play")
    await chat.page.wait_for_selector('[data-who="reply"].current')
    await chat.clean()


async def test_it_is_accessible(stack: Stack, open_chat: OpenChat, tmp_path: Path) -> None:
    chat, conversation_id = await talked(stack, open_chat, tmp_path)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for language, scheme in itertools.product(("en", "zh-hant"), schemes):
        await chat.page.emulate_media(color_scheme=scheme)
        await chat.open(f"/history/{conversation_id}/replay")
        if await chat.page.input_value("#interface-language") != language:
            await chat.page.select_option("#interface-language", language)
            await chat.page.wait_for_selector(f'html[lang="{"zh-Hant" if language == "zh-hant" else "en"}"]')
        await chat.page.wait_for_selector("#tracks > div")
        await chat.page.wait_for_selector("#waterfall-plot:visible")
        await chat.page.set_viewport_size({"width": 360, "height": 640})
        await no_sideways_scroll(chat)
        await chat.clean()
        # axe copies the styles of shadow roots, which the policy forbids it: what it causes is not the page's.
        await no_violations(chat)
        await chat.page.set_viewport_size({"width": 1280, "height": 800})
        await no_violations(chat)
        chat.errors.clear()
