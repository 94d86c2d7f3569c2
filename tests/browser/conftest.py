"""A real Chromium, and what a test asks of a page in it."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Playwright, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeout

from tests.server import Stack

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
ANSWER_WITHIN_MS = 30_000
AUDIBLE = 0.003
"""RMS above which a page is heard; silence is exactly zero."""


class ChatPage:
    """The conversation's page, with the questions that tests ask."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self.base_url = base_url
        self.errors: list[str] = []
        page.set_default_timeout(ANSWER_WITHIN_MS)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    async def open(self, path: str = "/chat") -> "ChatPage":
        await self.page.goto(self.base_url + path)
        return self

    async def start(self) -> None:
        await self.page.click("#start")

    async def type(self, text: str) -> None:
        await self.page.fill("#message", text)
        await self.page.press("#message", "Enter")

    async def state(self, *states: str) -> None:
        """Waits until the page is in one of these states."""
        wanted = ", ".join(f'#status[data-state="{state}"]' for state in states)
        try:
            await self.page.wait_for_selector(wanted)
        except PlaywrightTimeout:
            pytest.fail(f"not {states}: {await self.page.inner_text('#main')}; console: {self.errors}")

    async def passed(self, *states: str) -> None:
        """Waits until the page has been in these states, in this order, however briefly."""
        script = "states.reduce((at, state) => at + (state === wanted[at] ? 1 : 0), 0) === wanted.length"
        await self.until(f"((wanted) => {script})({list(states)})")

    async def choose(self, mode: str) -> None:
        await self.page.check(f'input[name="mode"][value="{mode}"]')

    async def lines(self, role: str) -> list[str]:
        return await self.page.locator(f".line.{role} .line-words").all_inner_texts()

    async def notice(self) -> str:
        """Title and advice of the notice, once there is one."""
        await self.page.wait_for_selector("#notice")
        return await self.page.inner_text("#notice .notice-words")

    async def until(self, expression: str, *, timeout_ms: float = ANSWER_WITHIN_MS) -> None:
        # Asked from here: polling inside the page would need the eval that its policy forbids.
        async with asyncio.timeout(timeout_ms / 1000):
            while not await self.page.evaluate(expression):  # noqa: ASYNC110
                await asyncio.sleep(0.03)

    async def until_heard(self) -> None:
        """Waits for sound from now on."""
        now = await self.now()
        await self.until(f"heard.some(({{ at, rms }}) => at > {now} && rms > {AUDIBLE})")

    async def until_silent(self, for_ms: int = 300) -> None:
        await self.until(
            f"heard.length > 0 && heard.filter(({{ at }}) => at > performance.now() - {for_ms})"
            f".every(({{ rms }}) => rms < {AUDIBLE})"
        )

    async def until_audible_for(self, ms: float) -> None:
        """Waits until the page has been heard for so long altogether."""
        await self.until(f"heard.reduce((sum, {{ rms, ms }}) => sum + (rms > {AUDIBLE} ? ms : 0), 0) > {ms}")

    async def hush(self) -> None:
        """Stops an answer: the small chat model may go on for minutes."""
        if await self.page.is_enabled("#stop"):
            await self.page.click("#stop")
        await self.until("document.querySelector('#stop').disabled")
        await self.until_silent()

    async def now(self) -> float:
        return float(await self.page.evaluate("performance.now()"))

    async def audible_ms(self, since: float = 0) -> float:
        """For how long the page was heard."""
        loud = f"heard.filter(({{ at, rms }}) => at > {since} && rms > {AUDIBLE})"
        script = f"{loud}.reduce((sum, {{ ms }}) => sum + ms, 0)"
        return float(await self.page.evaluate(script))

    async def clean(self) -> None:
        """Nothing in the console, and nothing that the policy had to forbid."""
        assert await self.page.evaluate("violations") == []
        assert self.errors == []


OpenChat = Callable[..., Awaitable[ChatPage]]


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The web server alone: the pages, without engines."""
    with Stack(tmp_path_factory.mktemp("web"), engines=False) as stack:
        yield stack


class Browsers:
    """Chromiums by their flags, each launched once."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._launched: dict[tuple[str, ...], Browser] = {}

    async def get(self, *, microphone: Path | None, loops: bool, asks: bool) -> Browser:
        """``microphone``: the file it hears from the moment it is opened; ``asks``: nobody grants the microphone."""
        flags: tuple[str, ...] = FLAGS if asks else (*FLAGS, "--use-fake-ui-for-media-stream")
        if microphone is not None:
            flags += (f"--use-file-for-fake-audio-capture={microphone}{'' if loops else '%noloop'}",)
        if flags not in self._launched:
            launched = await self._playwright.chromium.launch(executable_path=CHROMIUM, args=list(flags))
            self._launched[flags] = launched
        return self._launched[flags]

    async def close(self) -> None:
        for browser in self._launched.values():
            await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browsers() -> AsyncIterator[Browsers]:
    async with async_playwright() as playwright:
        launched = Browsers(playwright)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_chat(browsers: Browsers) -> AsyncIterator[OpenChat]:
    """Opens a page in a context of its own. Keywords: those of `Browsers.get` and of a browser context."""
    async with AsyncExitStack() as opened:

        async def open_(
            stack: Stack, *, microphone: Path | None = None, loops: bool = False, asks: bool = False, **context: Any
        ) -> ChatPage:
            browser = await browsers.get(microphone=microphone, loops=loops, asks=asks)
            context.setdefault("locale", "en-GB")
            tab = await browser.new_context(**context)
            opened.push_async_callback(tab.close)
            await tab.add_init_script(path=Path(__file__).with_name("heard.js"))
            return ChatPage(await tab.new_page(), stack.base_url)

        yield open_


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())
