"""What the page says and offers in each state, and what it sends: against a scripted server."""

import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.browser.conftest import ChatPage, OpenChat
from tests.browser.scripted import READY, SENTENCE_MS, ScriptedServer, tone
from tests.server import Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]
Scripted = Callable[..., Awaitable[tuple[ChatPage, ScriptedServer]]]


@pytest.fixture
def scripted(web: Stack, open_chat: OpenChat) -> Scripted:
    async def open_(status: dict[str, Any] | None = None, **context: Any) -> tuple[ChatPage, ScriptedServer]:
        chat, server = await open_chat(web, **context), ScriptedServer()
        await server.serve(chat.page, status)
        return await chat.open(), server

    return open_


async def test_words_appear_while_they_are_spoken(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.start()
    await chat.state("listening")
    server.hears()
    await chat.state("hearing")
    await chat.page.get_by_text("Who was the first person").wait_for()
    server.understands()
    await chat.state("thinking")
    server.answers()
    await chat.state("speaking")
    await chat.state("listening")
    assert await chat.lines("user") == ["Who was the first person on the moon?"]
    await chat.clean()


async def test_the_sentence_that_is_heard_is_marked(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.type("Who was it?")
    await chat.state("thinking")
    server.answers()
    for sentence in ("Neil Armstrong", "July, 1969", "Buzz Aldrin"):
        await chat.page.locator(".sentence.current", has_text=sentence).wait_for()
    await chat.until("!document.querySelector('.sentence.current')")
    assert 4300 < await chat.audible_ms() < 4800
    await chat.clean()


async def test_speech_over_an_answer_silences_it_and_tells_what_was_heard(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.start()
    await chat.state("listening")
    server.answers()
    await chat.page.locator(".sentence.current", has_text="July, 1969").wait_for()
    interrupted_at = await chat.now()
    server.hears("u-2", "")
    await chat.state("hearing")
    await chat.until_silent(60)
    assert await chat.audible_ms(interrupted_at) < 250
    (cut,) = server.sent("conversation.item.truncate")
    assert SENTENCE_MS - 200 < cut["audio_end_ms"] < 2 * SENTENCE_MS
    assert "Buzz Aldrin followed him." in " ".join(await chat.page.locator(".unheard").all_inner_texts())
    await chat.clean()


async def test_the_space_bar_talks_only_while_it_is_held(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.choose("push-to-talk")
    await chat.start()
    await chat.state("holding")
    assert server.sent("session.update")[-1]["session"]["audio"]["input"]["turn_detection"] is None
    await chat.page.locator("#transcript").focus()
    await chat.page.keyboard.down("Space")
    await chat.state("hearing")
    held_at = await chat.now()
    await chat.until(f"performance.now() - {held_at} > 500")
    await chat.page.keyboard.up("Space")
    await chat.state("thinking")
    kinds = [event["type"] for event in server.received]
    begun = kinds.index("input_audio_buffer.clear")
    assert "input_audio_buffer.append" not in kinds[:begun]
    assert kinds[-2:] == ["input_audio_buffer.commit", "response.create"]
    await chat.clean()


async def test_what_is_said_before_the_connection_is_there_is_not_lost(scripted: Scripted) -> None:
    chat, server = await scripted()
    server.on_connect = lambda: None
    await chat.start()
    await chat.page.wait_for_selector("#start:disabled")
    began = await chat.now()
    await chat.until(f"performance.now() - {began} > 1500")
    assert server.received == []
    server.greet()
    await chat.state("listening")
    kinds = [event["type"] for event in server.received]
    assert kinds[0] == "session.update"
    assert kinds.count("input_audio_buffer.append") > 20


async def test_space_in_the_message_box_is_a_space(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.choose("push-to-talk")
    await chat.start()
    await chat.state("holding")
    await chat.page.locator("#message").press_sequentially("a b")
    assert await chat.page.input_value("#message") == "a b"
    assert server.sent("input_audio_buffer.clear") == []


async def test_muted_means_silence_on_the_wire(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.start()
    await chat.state("listening")
    await chat.page.click("#mute")
    await chat.state("muted")
    server.received.clear()
    muted_at = await chat.now()
    await chat.until(f"performance.now() - {muted_at} > 400")
    sounds = [event["audio"] for event in server.sent("input_audio_buffer.append")][1:]
    assert sounds
    assert all(set(sound.rstrip("=")) == {"A"} for sound in sounds)


async def test_a_refused_microphone_leaves_typing(web: Stack, open_chat: OpenChat) -> None:
    chat, server = await open_chat(web, asks=True), ScriptedServer()
    await server.serve(chat.page)
    await chat.open()
    await chat.start()
    assert "The microphone was refused" in await chat.notice()
    await chat.page.get_by_role("button", name="Type instead").click()
    await chat.page.keyboard.type("Hello")
    await chat.page.keyboard.press("Enter")
    await chat.state("thinking")
    assert server.sent("conversation.item.create")[0]["item"]["content"] == [{"type": "input_text", "text": "Hello"}]
    await chat.clean()


async def test_no_microphone_and_no_secure_context_are_said(scripted: Scripted) -> None:
    for error, words in (("NotFoundError", "No microphone was found"), ("NotReadableError", "does not answer")):
        chat, _ = await scripted()
        script = f"void (navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{error}') }})"
        await chat.page.evaluate(script)
        await chat.start()
        assert words in await chat.notice()
    chat, _ = await scripted()
    await chat.page.evaluate("void Object.defineProperty(globalThis, 'isSecureContext', { value: false })")
    await chat.start()
    assert "http://localhost" in await chat.notice()


async def test_a_full_server_is_said_and_tried_again(scripted: Scripted) -> None:
    chat, server = await scripted()
    server.on_connect = lambda: server.refuse("server_full", 4013)
    await chat.start()
    await chat.state("full")
    assert "Trying again in 1" in await chat.notice()
    server.on_connect = server.greet
    await chat.page.get_by_role("button", name="Try now").click()
    await chat.state("listening")
    await chat.clean()


async def test_what_could_not_be_sent_stands_in_the_box_again(scripted: Scripted) -> None:
    chat, server = await scripted()
    server.on_connect = lambda: server.refuse("server_full", 4013)
    await chat.type("Do not lose this.")
    await chat.state("full")
    assert await chat.page.input_value("#message") == "Do not lose this."


async def test_a_message_to_a_conversation_that_is_gone_begins_a_new_one(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.page.evaluate("sessionStorage.setItem('avatar.conversation', '0198a000-0000-7000-8000-00000000dead')")
    await chat.page.reload()

    def erased() -> None:
        server.on_connect = server.greet
        server.refuse("conversation_not_found", 4404)

    server.on_connect = erased
    await chat.type("Is anybody here?")
    created = await server.until_sent("conversation.item.create")
    assert created["item"]["content"] == [{"type": "input_text", "text": "Is anybody here?"}]
    assert "conversation=0198a000" in server.addresses[-2]
    assert "conversation=" not in server.addresses[-1]
    assert await chat.page.input_value("#message") == ""
    assert await chat.lines("user") == ["Is anybody here?"]


async def test_empty_lines_at_the_end_of_an_answer_are_not_shown(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.type("Who was it?")
    await chat.state("thinking")
    where = {"response_id": "r-1", "item_id": "a-1", "output_index": 0, "content_index": 0}
    server.say("response.created", response={"id": "r-1"})
    message = {"id": "a-1", "type": "message", "role": "assistant"}
    server.say("response.output_item.added", response_id="r-1", output_index=0, item=message)
    for text in ("First one.", "\n\nThen another. \n\n", "\n"):
        server.say("response.output_audio_transcript.delta", **where, delta=text)
        server.say("response.output_audio.delta", **where, delta=tone(300))
    await chat.page.get_by_text("Then another.").wait_for()
    shown = chat.page.locator(".line.assistant .line-words")
    assert await shown.evaluate("words => words.textContent") == "First one.\n\nThen another."
    assert await shown.locator(".sentence").all_inner_texts() == ["First one.", "Then another."]


async def test_a_lost_connection_counts_down_and_resumes_where_it_was(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.start()
    await chat.state("listening")
    server.say("avatar.recorded", sequence=12)
    # The first try comes too soon to be read: the connection stays lost until the words were seen.
    server.on_connect = lambda: server.refuse("", 4000)
    server.refuse("", 4000)
    await chat.passed("waiting", "waiting")
    assert "Trying again in" in await chat.notice()
    server.on_connect = server.greet
    await chat.state("listening")
    assert "conversation=c-1&after=12" in server.addresses[-1]
    assert server.sent("session.update")[-1]["session"]["output_modalities"] == ["audio"]


async def test_hanging_up_gives_the_place_and_the_microphone_back(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.start()
    await chat.state("listening")
    await chat.page.click("#end")
    await chat.state("idle")
    count = len(server.addresses)
    await chat.start()
    await chat.state("listening")
    assert len(server.addresses) == count + 1


async def test_a_session_that_ended_goes_on_when_asked(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.start()
    await chat.state("listening")
    server.refuse("session_idle", 1000)
    await chat.state("ended")
    assert "quiet for a while" in await chat.notice()
    await chat.page.get_by_role("button", name="Go on").click()
    await chat.state("listening")


async def test_whoever_is_not_signed_in_is_led_there(scripted: Scripted) -> None:
    chat, server = await scripted()
    server.on_connect = lambda: server.refuse("unauthorized", 4401)
    await chat.start()
    await chat.state("refused")
    await chat.page.get_by_role("button", name="Sign in").click()
    await chat.page.wait_for_url("**/accounts/login/?next=%2Fchat")


async def test_models_that_warm_up_show_their_progress(scripted: Scripted) -> None:
    status = copy.deepcopy(READY)
    status["host"]["ready"] = False
    status["host"]["engines"][0] |= {"state": "loading", "progress": 0.4}
    chat, server = await scripted(status)
    assert "The models are warming up" in await chat.notice()
    assert await chat.page.evaluate("document.querySelector('#notice-progress').value") == pytest.approx(0.4)
    await chat.type("Hello")
    await chat.state("thinking")
    server.say("avatar.engines", **READY["host"])
    await chat.page.wait_for_selector("#notice", state="hidden")


async def test_the_page_says_that_the_chat_model_is_small(scripted: Scripted) -> None:
    chat, _ = await scripted()
    note = chat.page.locator("#small-model")
    await note.wait_for()
    assert "often wrong" in await note.inner_text()
    assert "python manage.py models pull qwen2.5-1.5b-instruct" in await note.inner_text()


async def test_what_a_language_lacks_is_said_with_the_command(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.start()
    await chat.state("listening")
    await chat.page.select_option("#language", "zh-TW")
    assert "No voice here speaks" in await chat.page.inner_text("#missing-words")
    assert "python manage.py models pull kokoro" in await chat.page.inner_text("#missing-command")
    audio = server.sent("session.update")[-1]["session"]["audio"]
    assert audio["input"]["transcription"] == {"language": "zh-TW"}
    await chat.page.select_option("#language", "en")
    assert await chat.page.is_hidden("#missing")
    await chat.page.select_option("#voice", "heart")
    assert server.sent("session.update")[-1]["session"]["audio"]["output"]["voice"] == "heart"


async def test_choices_outlive_the_page(scripted: Scripted) -> None:
    chat, _ = await scripted()
    await chat.choose("push-to-talk")
    await chat.page.select_option("#language", "en")
    await chat.page.reload()
    assert await chat.page.is_checked('input[value="push-to-talk"]')
    assert await chat.page.input_value("#language") == "en"


async def test_a_written_answer_is_shown_without_sound(scripted: Scripted) -> None:
    chat, server = await scripted()
    await chat.page.uncheck("#aloud")
    await chat.type("Hello")
    await chat.state("thinking")
    assert server.sent("session.update")[-1]["session"]["output_modalities"] == ["text"]
    where = {"response_id": "r-1", "item_id": "a-1", "output_index": 0, "content_index": 0}
    message = {"id": "a-1", "type": "message", "role": "assistant"}
    server.say("response.created", response={"id": "r-1"})
    server.say("response.output_text.delta", **where, delta="Good ")
    server.say("response.output_text.delta", **where, delta="evening.")
    server.say("response.output_text.done", **where, text="Good evening.")
    server.say("response.done", response={"id": "r-1", "status": "completed", "output": [message]})
    await chat.state("typing")
    assert await chat.lines("assistant") == ["Good evening."]
    assert "Good evening." in await chat.page.inner_text("#announcements")
    assert await chat.audible_ms() == 0
