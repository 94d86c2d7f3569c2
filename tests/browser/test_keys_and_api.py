"""The page of a person's keys and the page that unfolds the API, in Chromium, under the pages' own policy."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import ChatPage, OpenChat
from tests.browser.test_accessibility import PHONE, no_sideways_scroll, no_violations
from tests.server import ROOT, Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]
SHOTS = os.environ.get("AVATAR_SCREENSHOTS", "")
KEY = re.compile(r"avatar_[A-Za-z0-9]{10}_[A-Za-z0-9]{43}")
SIGN_IN = """
import json, sys
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from tests.conversations.api_helpers import talk
user, made = get_user_model().objects.get_or_create(username="keeper of keys")
if made:
    talk(user, ("Where do tomatoes grow?", "By the south wall."))
session = SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session.save()
print(json.dumps(session.session_key))
"""


async def shot(chat: ChatPage, name: str) -> None:
    if SHOTS:
        await chat.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


async def signed_in(open_chat: OpenChat, stack: Stack, **context: Any) -> ChatPage:
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-v", "0", "-c", SIGN_IN]
    done = subprocess.run(command, env=stack.environment, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: ASYNC221
    session = json.loads(done.stdout.splitlines()[-1])
    chat = await open_chat(stack, **context)
    cookie = {"name": f"avatar_session_{stack.port}", "value": session, "url": stack.base_url}
    await chat.page.context.add_cookies([cookie])  # type: ignore[list-item]
    return chat


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("zh-TW", "dark")])
async def test_a_key_is_made_used_and_revoked(web: Stack, open_chat: OpenChat, locale: str, scheme: str) -> None:
    chat = await signed_in(open_chat, web, locale=locale, color_scheme=scheme)
    page = chat.page
    await chat.open("/account/keys")
    await page.fill("#name", f"dashboard {locale}")
    await page.check('input[value="events:read"]')
    await page.press("#name", "Enter")
    key = await page.inner_text("#new-key")
    assert KEY.fullmatch(key)
    await no_violations(chat)
    await shot(chat, f"keys-{locale}-{scheme}")

    bearer = {"Authorization": f"Bearer {key}"}
    answer = await page.context.request.get(f"{web.base_url}/api/conversations/", headers=bearer)
    assert [row["title"] for row in (await answer.json())["results"]] == ["Where do tomatoes grow?"]

    await page.reload()
    card = page.locator(".key", has_text=f"dashboard {locale}")
    assert not KEY.search(await page.content())
    await card.locator("summary").focus()
    await page.keyboard.press("Enter")
    await card.locator(".danger").click()
    await page.wait_for_selector(f'.key[data-state="revoked"]:has-text("dashboard {locale}")')
    answer = await page.context.request.get(f"{web.base_url}/api/conversations/", headers=bearer)
    assert answer.status == 401
    await chat.clean()


async def test_the_keys_fit_a_phone(web: Stack, open_chat: OpenChat) -> None:
    chat = await signed_in(open_chat, web, viewport=PHONE)
    await chat.open("/account/keys")
    await chat.page.fill("#name", "a program with a rather long name, on a small screen")
    await chat.page.press("#name", "Enter")
    await chat.page.wait_for_selector("#new-key")
    await no_sideways_scroll(chat)
    await no_violations(chat)
    await shot(chat, "keys-phone")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_api_is_browsed_and_tried(web: Stack, open_chat: OpenChat, scheme: str) -> None:
    chat = await signed_in(open_chat, web, color_scheme=scheme, viewport={"width": 1200, "height": 900})
    page = chat.page
    await chat.open("/api/docs/")
    await page.wait_for_selector("#swagger .opblock")
    await shot(chat, f"api-docs-{scheme}")
    for tag in ("conversations", "events", "statistics", "keys"):
        assert await page.locator(f"#operations-tag-{tag}").count() == 1

    # As oneself, without a key.
    listed = page.locator("#operations-conversations-conversations_list")
    await listed.locator(".opblock-summary-control").click()
    await listed.locator(".try-out__btn").click()
    await listed.locator(".execute").click()
    await listed.locator(".live-responses-table .response-col_status").get_by_text("200").wait_for()
    assert "tomatoes" in await listed.locator(".live-responses-table").inner_text()
    await shot(chat, f"api-docs-tried-{scheme}")

    # What changes something carries the token that the server asks of browsers.
    made = page.locator("#operations-keys-keys_create")
    await made.locator(".opblock-summary-control").click()
    await made.locator(".try-out__btn").click()
    await made.locator(".execute").click()
    await made.locator(".live-responses-table .response-col_status").get_by_text("201").wait_for()
    await chat.clean()
