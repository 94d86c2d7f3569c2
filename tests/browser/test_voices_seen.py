"""The pages of voices and a manager's walk, light and dark, in both languages, on a phone; without engines."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import ChatPage, OpenChat
from tests.browser.test_accessibility import PHONE, no_sideways_scroll, no_violations
from tests.browser.test_admin import accessible
from tests.server import ROOT, Stack

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]
SHOTS = os.environ.get("AVATAR_SCREENSHOTS", "")
SEED = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from tests.voices import making
from voices import services
from voices.services import provenance
people = {}
for name in ("ada", "mia"):
    user = making.person(f"{name}-{making.uuid4().hex[:6]}")
    if name == "mia":
        user.is_staff = True
        user.save()
        user.groups.add(Group.objects.get(name="voice manager"))
    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session.save()
    people[name] = user
    people[name + "_session"] = session.session_key
ada, mia = people["ada"], people["mia"]
asked = making.with_sample(ada, "A voice with quite a long name, as people give them to their things")
services.ask_consent(asked, actor=ada, scope="shared", days=30)
usable = making.usable(ada, "For everybody")
services.share(usable, actor=ada)
shared = making.shared(mia, mia, "Mia, shared")
services.rate(shared, 8, actor=ada)
services.request_preview(usable, actor=ada, text="Something to hear.")
opening = provenance.Opening(
    utterance_id="u" + usable[:12], voice=usable, owner_id=str(ada.pk), speaker_id=str(ada.pk), engine="f5",
    model="f5-tts", quality="fast", conversation_id="", door="preview",
)
provenance.opened(opening)
provenance.closed(opening, duration_ms=2400, watermarked=True, fingerprint="")
print(json.dumps({
    "ada": people["ada_session"], "mia": people["mia_session"], "asked": asked, "usable": usable, "shared": shared
}))
"""


def seeded(stack: Stack) -> dict[str, str]:
    """Voices in all states; sessions of their owner and of a manager."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-v", "0", "-c", SEED]
    done = subprocess.run(command, env=stack.environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return told


async def signed_in(open_chat: OpenChat, stack: Stack, session: str, **context: Any) -> ChatPage:
    chat = await open_chat(stack, **context)
    cookie = {"name": f"avatar_session_{stack.port}", "value": session, "url": stack.base_url}
    await chat.page.context.add_cookies([cookie])  # type: ignore[list-item]
    return chat


async def shot(chat: ChatPage, name: str) -> None:
    if SHOTS:
        await chat.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("locale", "scheme", "size"),
    [("en-GB", "dark", None), ("zh-TW", "light", None), ("en-GB", "light", PHONE), ("zh-TW", "dark", PHONE)],
)
async def test_every_state_of_a_voice_can_be_seen_by_everybody(
    web: Stack, open_chat: OpenChat, locale: str, scheme: str, size: dict[str, int] | None
) -> None:
    told = seeded(web)
    context: dict[str, Any] = {"locale": locale, "color_scheme": scheme} | ({"viewport": size} if size else {})
    chat = await signed_in(open_chat, web, told["ada"], **context)
    name = f"{locale}-{'phone' if size else 'wide'}"
    pages = {
        "list": "",
        "new": "/new",
        "asked": f"/{told['asked']}",
        "waiting": f"/{told['usable']}",
        "shared": f"/{told['shared']}",
        "sure": f"/{told['usable']}/delete",
    }
    for part, path in pages.items():
        await chat.open(f"/voice-profiles{path}")
        await no_violations(chat)
        await no_sideways_scroll(chat)
        await shot(chat, f"voices-{part}-{name}")
    await chat.clean()


async def test_the_sentence_gives_way_when_its_time_is_over(web: Stack, open_chat: OpenChat) -> None:
    told = seeded(web)
    chat = await signed_in(open_chat, web, told["ada"])
    await chat.page.clock.install()
    await chat.open(f"/voice-profiles/{told['asked']}")
    await expect(chat.page.locator("#challenge-open .say")).to_be_visible()
    await chat.page.clock.fast_forward(125_000)
    await expect(chat.page.locator("#challenge-over")).to_be_visible()
    await expect(chat.page.locator("#challenge-open")).to_be_hidden()


async def test_a_refused_microphone_is_said_and_a_file_still_does(
    web: Stack, open_chat: OpenChat, tmp_path: Path
) -> None:
    told = seeded(web)
    chat = await signed_in(open_chat, web, told["ada"], asks=True)
    await chat.open(f"/voice-profiles/{told['asked']}")
    await chat.page.evaluate(
        "void (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError')))"
    )
    await chat.page.locator("#consent [data-part=record]").click()
    await expect(chat.page.locator("#consent [data-part=said]")).to_contain_text("refused")
    (tmp_path / "any.wav").write_bytes(b"no sound")
    await chat.page.set_input_files("#consent-file", tmp_path / "any.wav")
    await chat.page.locator("#consent [data-part=send]").click()
    await expect(chat.page.locator("#consent .told.refused")).to_be_visible()
    await chat.clean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_managers_walk(web: Stack, open_chat: OpenChat, scheme: str) -> None:
    told = seeded(web)
    chat = await signed_in(open_chat, web, told["mia"], color_scheme=scheme)
    page = chat.page
    await chat.open("/admin/")
    await page.get_by_role("link", name="Voices waiting for a decision").click()
    await page.fill("#searchbar", told["usable"])
    await page.press("#searchbar", "Enter")
    await expect(page.locator("#result_list tbody tr")).to_have_count(1)
    await shot(chat, f"admin-voices-{scheme}")
    await page.locator("#result_list tbody th a").click()
    await expect(page.get_by_role("heading", name="What it is made of")).to_be_visible()
    await accessible(page)
    assert await page.locator("audio").count() == 0
    await page.select_option("select[name=reason]", "decision")
    await page.get_by_role("button", name="The sample").click()
    sound = page.locator("audio")
    await sound.evaluate("audio => audio.play()")
    await chat.until("document.querySelector('audio').currentTime > 0.2")
    await accessible(page)
    await shot(chat, f"admin-voice-{scheme}")
    await page.get_by_role("link", name="Approve", exact=True).click()
    await page.select_option("#id_reason", "suitable")
    await accessible(page)
    await page.locator(".answers button").click()
    await page.wait_for_selector(".messagelist .success")
    await expect(page.get_by_text("listened to: To decide about sharing")).to_be_visible()

    await page.get_by_role("link", name="All that was said in it").click()
    await expect(page.locator("#result_list tbody tr")).to_have_count(1)
    await page.get_by_role("link", name="Is a recording of ours?").click()
    await accessible(page)
    await shot(chat, f"admin-detect-{scheme}")
    await chat.clean()
