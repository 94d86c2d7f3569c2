"""The admin's page of a conversation: closed until it is opened, heard with a reason, each recorded once."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from avatar_project.models import User
from conversations.admin import opened
from conversations.log.audio import AudioStore
from conversations.log.eventlog import event_log
from conversations.log.keys import KeyRing
from conversations.log.models import Purpose
from conversations.models import Turn
from conversations.services import moderation
from conversations.services.erasure import erase_conversation
from conversations.streams import stream_of
from tests.conversations.admin_page import PAGE, ask
from tests.conversations.log_helpers import execute, triggers_off
from tests.conversations.moderating import ANSWERED, ONE, SAID, facts, held, person
from tests.conversations.replayed import RATE, Recorded, samples_of

pytestmark = pytest.mark.django_db(transaction=True)
OPUS = b"OggS" + bytes(60_000)


def sound(conversation_id: str, turn_id: str) -> str:
    """A stored recording of a turn."""
    stream = stream_of(conversation_id)
    key = event_log().write_now(lambda: KeyRing.load(stream, [turn_id]).data_key(turn_id, Purpose.SOUND, create=True))
    return AudioStore(settings.DATA_DIR / "audio").write(key, OPUS)


def body(response: Any) -> bytes:
    """What a streamed answer brings."""

    async def read() -> bytes:
        return b"".join([piece async for piece in response.streaming_content])

    return asyncio.run(read())


@pytest.fixture
def owner() -> User:
    owner = person("owner")
    held(owner)
    return owner


@pytest.fixture
def moderator(owner: User) -> User:
    return person("mia", role="moderator", is_staff=True)


@pytest.fixture
def client(moderator: User) -> Client:
    client = Client()
    client.force_login(moderator)
    return client


def test_the_words_are_closed_until_they_are_opened_and_that_is_recorded_once(client: Client) -> None:
    page = client.get(PAGE + "change/").content.decode()
    assert SAID not in page
    assert ANSWERED not in page
    assert facts(ONE, "recording.heard") == []

    client.post(PAGE + "words/", {"reason": "complaint"})
    for _ in range(2):
        page = client.get(PAGE + "change/").content.decode()
        assert SAID in page
        assert ANSWERED in page
        assert "Shall I say more?" in page
    client.post(PAGE + "words/", {"reason": "complaint"})
    (read,) = facts(ONE, "recording.heard")
    assert (read.payload["what"], read.payload["reason"]) == ("words", "complaint")

    client.post(PAGE + "close/")
    assert SAID not in client.get(PAGE + "change/").content.decode()


def test_what_was_opened_closes_by_itself(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.post(PAGE + "words/", {"reason": "flag"})
    later = time.time() + opened.OPEN_FOR_S + 1
    monkeypatch.setattr("conversations.admin.opened.time.time", lambda: later)
    assert SAID not in client.get(PAGE + "change/").content.decode()


def test_another_moderator_has_not_opened_it(client: Client) -> None:
    client.post(PAGE + "words/", {"reason": "flag"})
    other = Client()
    other.force_login(person("max", role="moderator", is_staff=True))
    assert SAID not in other.get(PAGE + "change/").content.decode()


def test_listening_is_recorded_once_however_many_ranges_are_asked_for(client: Client) -> None:
    audio_id = sound(ONE, "t1")
    Turn.objects.filter(turn_id="t1").update(user_audio_id=audio_id)
    client.post(f"{PAGE}listen/{audio_id}/")
    assert facts(ONE, "recording.heard") == [], "nobody listens without a reason"
    answer = client.post(f"{PAGE}listen/{audio_id}/", {"reason": "complaint"})
    assert answer.headers["Location"].endswith("/change/#turn-t1")
    page = client.get(PAGE + "change/").content.decode()
    (source,) = re.findall(r'<audio[^>]* src="([^"]+)"', page)
    heard = b""
    for start in range(0, len(OPUS), 20_000):
        part = client.get(source, headers={"range": f"bytes={start}-{start + 19_999}"})
        assert part.status_code == 206
        heard += body(part)
    assert heard == OPUS
    (event,) = facts(ONE, "recording.heard")
    assert (event.payload["what"], event.payload["turn_id"], event.payload["audio_id"]) == ("sound", "t1", audio_id)
    assert event.payload["reason"] == "complaint"
    assert '<option value="complaint" selected>' in page


def test_the_whole_is_heard_without_its_words_and_recorded_once(owner: User, client: Client) -> None:
    """As it was heard: what was said and what reached the listener, and without a word on the page."""
    talked = Recorded(str(owner.pk))
    talked.user("t1", 0, 1000, "Said in confidence.")
    talked.reply("t1", 1500, 2000, heard_ms=1000, text="Cut off in the middle.")
    page = f"/admin/conversations/conversation/{talked.id}/"
    assert "The whole conversation, as it was heard" in ask(client, page + "change/")
    assert client.get(page + "audio").status_code == 403
    client.post(page + "listen/")
    assert client.get(page + "audio").status_code == 403, "nobody listens without a reason"
    assert client.get(page + "listen/").status_code == 405

    client.post(page + "listen/", {"reason": "complaint"})
    shown = ask(client, page + "change/")
    assert re.findall(r'<audio[^>]* src="([^"]+)"', shown) == [page + "audio"]
    assert "in confidence" not in shown
    whole = body(client.get(page + "audio"))
    assert body(client.get(page + "audio", headers={"range": "bytes=100-299"})) == whole[100:300]
    assert len(samples_of(whole)) / RATE == pytest.approx(2.5, abs=0.05)
    (event,) = facts(talked.id, "recording.heard")
    assert (event.payload["what"], event.payload["turn_id"], event.payload["audio_id"]) == ("sound", "", "")
    assert event.payload["reason"] == "complaint"

    erase_conversation(talked.id, actor=None, reason="request")
    assert "The whole conversation" not in ask(client, page + "change/")
    assert client.post(page + "listen/", {"reason": "complaint"}).status_code == 404


def test_who_may_not_listen_is_offered_no_sound(owner: User) -> None:
    talked = Recorded(str(owner.pk))
    talked.user("t1", 0, 1000, "Said in confidence.")
    auditor = Client()
    auditor.force_login(person("ann", role="auditor", is_staff=True))
    page = f"/admin/conversations/conversation/{talked.id}/"
    assert "The whole conversation" not in ask(auditor, page + "change/")
    assert auditor.post(page + "listen/", {"reason": "complaint"}).status_code == 403
    assert facts(talked.id, "recording.heard") == []


def test_the_page_of_a_record_that_was_tampered_with_can_still_be_opened(client: Client) -> None:
    """It is there that its chain is proven; an act that cannot be read is left out."""
    for reason in ("hate", "violence"):
        moderation.flag(ONE, actor=User.objects.get(username="mia"), reason=reason, note=f"noted: {reason}")
    first, _second = facts(ONE, "flag.raised")
    with triggers_off():
        execute("UPDATE log_event SET payload = '{}' WHERE position = %s", first.position)
    trail = ask(client, PAGE + "change/").split('id="trail-heading"')[1]
    assert "noted: violence" in trail
    assert "noted: hate" not in trail
    client.force_login(person("ann", role="auditor", is_staff=True))
    assert "broken at event" in client.post(PAGE + "verify/", follow=True).content.decode()


def test_nothing_is_replayed_before_a_reason_was_given_for_this_conversation(client: Client) -> None:
    audio_id = sound(ONE, "t1")
    Turn.objects.filter(turn_id="t1").update(user_audio_id=audio_id)
    doors = [PAGE + door for door in ("replay", "timeline", "turns/1/user/audio", "turns/1/user/peaks")]
    assert [client.get(door).status_code for door in doors] == [403] * 4
    assert facts(ONE, "recording.heard") == []
    assert PAGE + "replay" not in client.get(PAGE + "change/").content.decode()

    client.post(PAGE + "words/", {"reason": "complaint"})
    assert PAGE + "replay" in client.get(PAGE + "change/").content.decode()
    assert [client.get(door).status_code for door in (*doors, *doors)] == [200] * 8
    heard = [(event.payload["what"], event.payload["reason"]) for event in facts(ONE, "recording.heard")]
    assert heard == [("words", "complaint"), ("sound", "complaint")], "once each, however often it is asked for"


def test_long_conversations_come_in_pages_of_turns(client: Client, owner: User) -> None:
    from conversations.events import UserTranscribed
    from tests.conversations.moderating import append

    for number in range(3, 62):
        append(ONE, f"t{number}", UserTranscribed(item_id=f"u{number}", text="and on", language="en"))
    first = ask(client, PAGE + "change/")
    second = ask(client, PAGE + "change/?turns=2")
    assert ('id="turn-t50"' in first, 'id="turn-t51"' in first) == (True, False)
    assert ('id="turn-t50"' in second, 'id="turn-t61"' in second) == (False, True)


def test_a_page_costs_the_same_queries_however_long_the_conversation(
    client: Client, owner: User, django_assert_max_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from conversations.events import UserTranscribed
    from tests.conversations.moderating import append

    client.post(PAGE + "words/", {"reason": "flag"})
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            ask(client, PAGE + "change/")
        counts.append(len(queries))
        for number in range(3, 30):
            append(ONE, f"t{number}", UserTranscribed(item_id=f"u{number}", text="and on", language="en"))
            moderation.flag(ONE, actor=None, reason="hate", rule="slurs", turn_id=f"t{number}")
    assert counts[0] == counts[1]
    assert counts[0] <= 20


def test_no_page_has_an_inline_script_or_style(client: Client) -> None:
    client.post(PAGE + "words/", {"reason": "flag"})
    for path in (PAGE + "change/", PAGE + "do/erase/", "/admin/", "/admin/conversations/conversation/"):
        page = ask(client, path)
        assert "style=" not in page
        assert "<style" not in page
        assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
        assert re.findall(r"\bon(click|submit|change|load)=", page) == []


def test_the_words_reach_no_log_line(client: Client, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    client.post(PAGE + "words/", {"reason": "flag"})
    ask(client, PAGE + "change/")
    client.post(PAGE + "do/flag/", {"confirmed": "yes", "reason": "hate", "note": "a secret note"})
    out = "".join(capfd.readouterr())
    assert SAID not in out
    assert "a secret note" not in out
