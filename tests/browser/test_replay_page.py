"""The replay page and the players by themselves: which line lights up when, the keys, and what happens without."""

import asyncio

import pytest

from tests.browser.conftest import ChatPage, OpenChat
from tests.browser.seeded import Seeded, seed
from tests.server import Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]
LIT = "[...document.querySelectorAll('.replay-line.current')].map(e => e.closest('li').id + ' ' + e.dataset.who)"


@pytest.fixture(scope="module")
def seeded(web: Stack) -> Seeded:
    return seed(web)


async def page_of(chat: ChatPage, seeded: Seeded, tail: str = "") -> ChatPage:
    await chat.page.context.add_cookies([seeded.cookie])  # type: ignore[list-item]
    return await chat.open(f"/history/{seeded.conversation_id}{tail}")


async def replay(web: Stack, open_chat: OpenChat, seeded: Seeded) -> ChatPage:
    chat = await page_of(await open_chat(web), seeded, "/replay")
    await chat.page.wait_for_selector("#tracks > div")
    return chat


async def now(chat: ChatPage) -> str:
    return await chat.page.inner_text("#now")


async def test_the_line_that_is_heard_lights_up(web: Stack, open_chat: OpenChat, seeded: Seeded) -> None:
    chat = await replay(web, open_chat, seeded)
    assert await chat.page.inner_text("#end") == "0:14"
    await chat.page.keyboard.press("Space")
    await chat.until(f"{LIT}.join() === 'turn-1 user'")
    await chat.until(f"{LIT}.join() === 'turn-1 reply'")
    await chat.until(f"{LIT}.join() === 'turn-1 reply,turn-2 user'")  # spoken into the answer
    await chat.until(f"{LIT}.join() === 'turn-2 user'")
    assert await chat.page.get_attribute(".replay-turn[aria-current]", "id") == "turn-2"
    assert "turn 2" in await chat.page.inner_text("#waterfall-title")
    await chat.page.keyboard.press("k")
    stopped = await chat.page.evaluate("document.querySelector('#now').textContent")
    await asyncio.sleep(1.2)
    assert await now(chat) == stopped
    await chat.clean()


async def test_every_key_does_what_it_says(web: Stack, open_chat: OpenChat, seeded: Seeded) -> None:
    chat = await replay(web, open_chat, seeded)
    for key, there in (
        ("ArrowRight", "0:05"),
        ("ArrowLeft", "0:00"),
        ("l", "0:10"),
        ("j", "0:00"),
        ("n", "0:03"),
        ("n", "0:12"),
        ("p", "0:03"),
        ("p", "0:00"),
    ):
        await chat.page.keyboard.press(key)
        assert await now(chat) == there, key
    for key, speed in ((".", "1.25×"), (",", "1×"), (",", "0.75×"), (",", "0.5×"), (",", "0.5×")):
        await chat.page.keyboard.press(key)
        assert await chat.page.inner_text("#speed-figure") == speed
    await chat.page.fill("#speed", "3")
    assert await chat.page.inner_text("#speed-figure") == "3×"
    # A key belongs to what has the focus, where it means something there.
    await chat.page.focus("#skip")
    await chat.page.keyboard.press("Space")
    assert await chat.page.is_checked("#skip")
    assert await chat.page.get_attribute("#play", "aria-pressed") == "false"
    await chat.clean()


async def test_a_click_leads_to_its_moment(web: Stack, open_chat: OpenChat, seeded: Seeded) -> None:
    chat = await replay(web, open_chat, seeded)
    await chat.page.click('#turn-2 [data-who="reply"] .seek')
    assert await now(chat) == "0:09"
    await chat.page.click("#turn-1 .line-words >> nth=1")
    assert await now(chat) == "0:00"
    box = await chat.page.locator("#tracks").bounding_box()
    assert box is not None
    await chat.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert await now(chat) in {"0:07", "0:08"}


async def test_skipping_pauses_goes_on_from_the_same_word(web: Stack, open_chat: OpenChat, seeded: Seeded) -> None:
    chat = await replay(web, open_chat, seeded)
    await chat.page.click('#turn-2 [data-who="reply"] .seek')
    await chat.page.check("#skip")
    await chat.until("document.querySelector('#end').textContent === '0:09'")
    assert await now(chat) == "0:05"  # 4.4 s, a pause of 0.6 s, and the answer begins
    await chat.page.click("#play")
    await chat.until(f"{LIT}.join() === 'turn-2 reply'")
    await chat.page.uncheck("#skip")
    await chat.until("document.querySelector('#end').textContent === '0:14'")
    await chat.until(f"{LIT}.join() === 'turn-2 reply'")
    assert await chat.page.get_attribute("#play", "aria-pressed") == "true"
    await chat.clean()


async def test_what_is_gone_is_marked(web: Stack, open_chat: OpenChat, seeded: Seeded) -> None:
    chat = await replay(web, open_chat, seeded)
    assert "sound erased" in await chat.page.inner_text('#turn-3 [data-who="user"]')
    assert "The words were erased." in await chat.page.inner_text("#turn-3")
    assert await chat.page.locator(".gap.user").count() == 1
    assert await chat.page.inner_text('#turn-4 [data-who="user"] .line-words') == "Typed."
    cut = await chat.page.inner_text('#turn-1 [data-who="reply"]')
    assert "cut off here" in cut
    assert await chat.page.inner_text("#turn-1 .unheard") == "off in the middle of it."


async def test_without_its_libraries_the_page_plays_and_says_so(
    web: Stack, open_chat: OpenChat, seeded: Seeded
) -> None:
    chat = await open_chat(web)
    await chat.page.route("**/static/vendor/**", lambda route: route.fulfill(status=404))
    await page_of(chat, seeded, "/replay")
    await chat.until("document.querySelector('#trouble').textContent.includes('not installed')")
    await chat.page.keyboard.press("Space")
    await chat.until(f"{LIT}.join() === 'turn-1 user'")
    assert not await chat.page.is_visible(".waterfall-plot")
    assert "420 ms" in await chat.page.inner_text("#waterfall-rows")


async def test_one_recording_plays_at_a_time(web: Stack, open_chat: OpenChat, seeded: Seeded) -> None:
    chat = await page_of(await open_chat(web), seeded)
    players = chat.page.locator(".player")
    await chat.page.wait_for_selector(".player-wave > div")
    first, second = players.nth(0), players.nth(1)
    await first.get_by_role("button", name="Play").click()
    await first.get_by_role("button", name="Pause").wait_for()
    await second.get_by_role("button", name="Play").click()
    await second.get_by_role("button", name="Pause").wait_for()
    await first.get_by_role("button", name="Play").wait_for()
    slider = second.get_by_role("slider")
    await slider.focus()
    await chat.page.keyboard.press("Space")
    await second.get_by_role("button", name="Play").wait_for()
    await chat.page.keyboard.press("Home")
    assert await slider.get_attribute("aria-valuenow") == "0"
    await chat.page.keyboard.press("End")
    assert await slider.get_attribute("aria-valuenow") == await slider.get_attribute("aria-valuemax")
    await chat.clean()


async def test_a_recording_that_is_gone_says_so(web: Stack, open_chat: OpenChat, seeded: Seeded) -> None:
    chat = await open_chat(web)
    await chat.page.route("**/turns/1/user/audio", lambda route: route.fulfill(status=404))
    await page_of(chat, seeded)
    await chat.page.locator(".player").first.get_by_role("button", name="Play").click()
    await chat.page.get_by_text("This sound cannot be played").wait_for()
