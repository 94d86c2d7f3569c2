"""A spoken conversation in a real browser, with the real server and its models."""

from pathlib import Path

import pytest

from tests.browser.conftest import OpenChat, words
from tests.browser.speech import speech_file
from tests.server import Stack

# The small chat model says something else each time: an answer too short to be tested is asked for again.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.server,
    pytest.mark.models,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.flaky(reruns=2),
]
LONG = "Tell me a long story about the sea and a lighthouse keeper."


async def test_a_spoken_question_is_answered_with_sound(stack: Stack, open_chat: OpenChat, tmp_path: Path) -> None:
    question = speech_file(tmp_path / "question.wav", "What is the capital of France?")
    chat = await (await open_chat(stack, microphone=question)).open()
    await chat.start()
    await chat.passed("connecting", "listening", "hearing", "thinking", "speaking")
    await chat.until("document.querySelector('.sentence.current')")
    await chat.until_audible_for(500)
    await chat.hush()
    assert {"capital", "france"} <= set(words((await chat.lines("user"))[0]))
    assert words((await chat.lines("assistant"))[0])
    assert await chat.page.inner_text("#latency-figure")
    await chat.clean()


async def test_a_typed_message_is_answered_aloud_without_a_microphone(stack: Stack, open_chat: OpenChat) -> None:
    chat = await (await open_chat(stack, asks=True)).open()
    await chat.type("Say hello.")
    await chat.until_heard()
    await chat.hush()
    assert await chat.lines("user") == ["Say hello."]
    assert words((await chat.lines("assistant"))[0])
    await chat.clean()


async def test_speech_over_an_answer_stops_it(stack: Stack, open_chat: OpenChat, tmp_path: Path) -> None:
    interruption = speech_file(tmp_path / "stop.wav", "Please stop talking now, I have heard enough of it.", before_s=1)
    chat = await (await open_chat(stack, microphone=interruption)).open()
    await chat.type(LONG)
    await chat.state("speaking")
    await chat.start()  # the recording begins when the microphone opens
    await chat.passed("speaking", "hearing")
    hearing_at = await chat.now()
    await chat.until_silent(100)
    assert await chat.now() - hearing_at < 1000
    await chat.until("document.querySelector('.line.assistant .unheard, .line.assistant .line-cut')")
    await chat.clean()


async def test_the_stop_button_silences_an_answer(stack: Stack, open_chat: OpenChat) -> None:
    chat = await (await open_chat(stack)).open()
    await chat.type(LONG)
    await chat.state("speaking")
    await chat.page.click("#stop")
    await chat.state("typing")
    await chat.until_silent()
    stopped_at = await chat.now()
    assert await chat.page.locator(".line.assistant .line-cut").count() == 1
    await chat.type("And now say good night.")
    await chat.until_heard()
    assert await chat.audible_ms(stopped_at) > 0
    await chat.clean()


async def test_push_to_talk_with_the_space_bar(stack: Stack, open_chat: OpenChat, tmp_path: Path) -> None:
    question = speech_file(tmp_path / "question.wav", "What is the capital of France?", before_s=3, after_s=3)
    chat = await (await open_chat(stack, microphone=question, loops=True)).open()
    await chat.choose("push-to-talk")
    await chat.start()
    await chat.state("holding")
    await chat.page.locator("#transcript").focus()
    await chat.page.keyboard.down("Space")
    await chat.state("hearing")
    # Held for one whole round of the recording, so that the question is in it wherever that stands.
    await chat.until("document.querySelector('#status').dataset.state === 'hearing'")
    held_at = await chat.now()
    await chat.until(f"performance.now() - {held_at} > 9000")
    await chat.page.keyboard.up("Space")
    await chat.until_heard()
    assert "france" in words(" ".join(await chat.lines("user")))
    await chat.clean()


async def test_a_line_can_be_heard_again(stack: Stack, open_chat: OpenChat, tmp_path: Path) -> None:
    question = speech_file(tmp_path / "question.wav", "Say hello to me, please.")
    chat = await (await open_chat(stack, microphone=question)).open()
    await chat.start()
    await chat.state("speaking")
    await chat.until_audible_for(400)  # the model may say no more than hello
    await chat.hush()
    for role in ("user", "assistant"):
        before = await chat.now()
        await chat.page.locator(f".line.{role} .line-replay").first.click()
        await chat.until_heard()
        await chat.until("!document.querySelector('.line.replaying')")
        assert await chat.audible_ms(before) > 300
    assert len(await chat.lines("user")) == 1  # what is heard again is not said again
    await chat.clean()


async def test_a_new_conversation_begins_empty(stack: Stack, open_chat: OpenChat) -> None:
    chat = await (await open_chat(stack)).open()
    await chat.type("Say hello.")
    await chat.until_heard()
    first = await chat.page.evaluate("sessionStorage.getItem('avatar.conversation')")
    await chat.page.click("#new")
    await chat.until(f"![null, '{first}'].includes(sessionStorage.getItem('avatar.conversation'))")
    assert await chat.lines("user") == []
    await chat.state("typing")
    await chat.clean()
