"""One's own conversation run again from the history: asked for, followed, compared; by nobody else, within bounds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from avatar_project.models import User
from conversations.events import ConversationHidden, TurnRedacted
from conversations.models import Conversation
from conversations.rerun import choices, jobs
from conversations.rerun.engines import PatientEngines
from conversations.rerun_tables import RerunJob, RerunState
from conversations.services import reruns
from conversations.services.erasure import erase_conversation, redact_turn
from inference.types import HostStatus, VoiceInfo
from tests.conversations.recorded import Recorded
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def talked() -> Recorded:
    recorded = Recorded()
    recorded.spoken("t1", "How far is the moon?", "Far away.")
    recorded.spoken("t2", "And the sun?", "Farther.", heard="Far")
    recorded.typed("t3", "<b>Thank you.</b>", "Gladly.")
    return recorded


@pytest.fixture
def owner(talked: Recorded) -> User:
    return get_user_model().objects.get(pk=talked.owner_id)


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> FakeEngines:
    fake = FakeEngines(replies=["It is 384 000 kilometres.", "Very far.", "You are welcome."])

    @asynccontextmanager
    async def opened(llm: str = "", *, key_variable: str = "") -> AsyncIterator[PatientEngines]:
        yield PatientEngines(fake)

    monkeypatch.setattr(jobs, "opened", opened)
    monkeypatch.setattr(choices, "opened", opened)
    monkeypatch.setattr(choices, "WITHIN_S", 60.0)  # however busy the machine is
    return fake


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def body(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def asked(client: Client, talked: Recorded, **form: str) -> str:
    """Asks for a re-run; the address of its page."""
    answer = client.post(f"/history/{talked.id}/rerun", form)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def test_asked_for_on_the_page_followed_and_both_sides_shown(talked: Recorded, client: Client) -> None:
    conversation = body(client, f"/history/{talked.id}")
    assert f'href="/history/{talked.id}/rerun?turn=2"' in conversation
    form = body(client, f"/history/{talked.id}/rerun?turn=2")
    assert 'name="turn" type="number" inputmode="numeric" min="1" max="3" value="2"' in form

    page = asked(client, talked, turn="2", instructions="Be brief.", voice="bert")

    waiting = body(client, page)
    assert f'data-follows="{page}/progress"' in waiting
    assert "data-running" in body(client, f"{page}/progress")
    job = RerunJob.objects.get()
    assert (job.from_turn, job.instructions, job.voice) == ("2", "Be brief.", "bert")
    assert jobs.work(str(job.id)) == "done"

    shown = body(client, f"{page}/progress")
    assert "data-running" not in shown
    assert "2 of 2 turns" in shown
    second, third = shown.split('<li id="turn-')[1:]
    for words in ("And the sun?", "Far</p>", "It is 384 000 kilometres.", "0.06 s"):
        assert words in second
    assert "&lt;b&gt;Thank you.&lt;/b&gt;" in third
    assert "Very far." in third
    assert "How far is the moon?" not in shown, "it was taken over as it is"
    assert f'href="/history/{Conversation.objects.exclude(id=talked.id).get().id}"' in shown
    assert page in body(client, f"/history/{talked.id}"), "it is found again from the conversation"


def test_its_form_offers_what_there_is(talked: Recorded, client: Client, engines: FakeEngines) -> None:
    form = body(client, f"/history/{talked.id}/rerun")
    for voice in ("anna", "bert"):
        assert f'<option value="{voice}">{voice.title()}' in form
    assert "Transcribe the sound again" in form


def test_two_voices_of_one_name_are_told_apart_by_their_engines(
    talked: Recorded, client: Client, engines: FakeEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = [("hibari-us", "Heart", "hibari"), ("af_heart", "Heart", "kokoro"), ("nova", "Nova", "kokoro")]
    voices = tuple(VoiceInfo(id=voice, name=name, engine=engine, languages=("en",)) for voice, name, engine in offered)
    status = msgspec.structs.replace(asyncio.run(engines.status()), voices=voices)

    async def told() -> HostStatus:
        return status

    monkeypatch.setattr(engines, "status", told)
    form = body(client, f"/history/{talked.id}/rerun")
    for voice, name in (("hibari-us", "Heart (hibari)"), ("af_heart", "Heart (kokoro)"), ("nova", "Nova")):
        assert f'<option value="{voice}">{name}, English</option>' in form


def test_with_the_host_away_it_can_still_be_asked_for(
    talked: Recorded, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the engines of this test's settings: there is nobody at that address
    form = body(client, f"/history/{talked.id}/rerun")
    assert "As it was" in form
    assert "anna" not in form


@pytest.mark.parametrize("turn", ["0", "4", "-1", "x", "１"])
def test_a_turn_that_is_not_there_is_told_and_nothing_begins(talked: Recorded, client: Client, turn: str) -> None:
    answer = client.post(f"/history/{talked.id}/rerun", {"turn": turn, "instructions": "Be brief."})
    assert answer.status_code == 400
    assert f"There is no turn {turn}: this conversation has 3." in answer.content.decode()
    assert "Be brief." in answer.content.decode(), "what was written is not lost"
    assert not RerunJob.objects.exists()


def test_what_may_not_be_is_refused_where_it_was_asked(talked: Recorded, client: Client) -> None:
    elsewhere = client.post(f"/history/{talked.id}/rerun", {"llm": "https://example.org/v1#m"})
    assert elsewhere.status_code == 400
    assert "permission" in elsewhere.content.decode()
    long = client.post(f"/history/{talked.id}/rerun", {"instructions": "x" * (reruns.LONGEST_INSTRUCTIONS + 1)})
    assert "too long" in long.content.decode()
    assert not RerunJob.objects.exists()


def test_one_person_may_ask_for_so_many(talked: Recorded, client: Client, owner: User) -> None:
    for _ in range(reruns.MOST_WAITING):
        asked(client, talked)
    refused = client.post(f"/history/{talked.id}/rerun", {})
    assert "let one end first" in refused.content.decode()
    RerunJob.objects.update(state=RerunState.DONE)
    RerunJob.objects.bulk_create(
        RerunJob(owner=owner, conversation_id=uuid4(), state=RerunState.FAILED)
        for _ in range(reruns.MOST_A_DAY - reruns.MOST_WAITING)
    )
    assert "come back tomorrow" in client.post(f"/history/{talked.id}/rerun", {}).content.decode()
    RerunJob.objects.update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    asked(client, talked)


def test_stopped_where_it_is_watched(talked: Recorded, client: Client) -> None:
    page = asked(client, talked)
    assert client.get(f"{page}/stop").status_code == 405
    assert client.post(f"{page}/stop")["Location"] == page
    assert RerunJob.objects.get().state == RerunState.STOPPED
    over = client.post(f"{page}/stop", follow=True)
    assert "is over already" in over.content.decode()


def test_anothers_is_not_there(talked: Recorded, client: Client) -> None:
    page = asked(client, talked)
    other = Recorded("other")
    other.typed("t1", "Mine.", "Yours.")
    client.force_login(get_user_model().objects.get(pk=other.owner_id))
    job_id = page.rsplit("/", 1)[-1]
    for path in (page, f"{page}/progress", f"/history/{talked.id}/rerun", f"/history/{other.id}/reruns/{job_id}"):
        body(client, path, 404)
    for path in (f"/history/{talked.id}/rerun", f"{page}/stop", f"/history/{other.id}/reruns/{job_id}/stop"):
        assert client.post(path).status_code == 404
    assert RerunJob.objects.get().state == RerunState.QUEUED


def test_what_a_moderator_ran_again_is_not_the_owners_to_see(talked: Recorded, client: Client) -> None:
    moderator = get_user_model().objects.create_superuser(username="moderator", password=None)
    job = reruns.start(talked.id, actor=moderator)
    jobs.work(str(job.id))
    body(client, f"/history/{talked.id}/reruns/{job.id}", 404)
    assert str(job.id) not in body(client, f"/history/{talked.id}")


def test_what_was_taken_away_from_either_side_is_gone(talked: Recorded, client: Client) -> None:
    page = asked(client, talked, instructions="Mention the moon.")
    job = RerunJob.objects.get()
    jobs.work(str(job.id))
    talked.append("", TurnRedacted(turn_id="t2", reason="request"))
    shown = body(client, f"{page}/progress")
    assert "Very far." not in shown, "the other side repeats it"
    job.refresh_from_db()
    fork = Recorded.__new__(Recorded)
    fork.id, fork.owner_id = str(job.result_id), talked.owner_id
    fork.append("", ConversationHidden(hidden=True, reason="moderation"))
    hidden = body(client, f"{page}/progress")
    assert "It is 384 000 kilometres." not in hidden
    assert str(job.result_id) not in hidden
    erase_conversation(talked.id, actor=None, reason="request")
    body(client, page, 404)
    assert RerunJob.objects.get().instructions == ""


def test_a_private_one_has_no_button(client: Client) -> None:
    private = Recorded(keep="nothing")
    private.answered("t1", "")
    assert f"/history/{private.id}/rerun" not in body(client, f"/history/{private.id}")
    answer = client.post(f"/history/{private.id}/rerun", {})
    assert "private" in answer.content.decode()
    assert not RerunJob.objects.exists()


def test_why_it_failed_is_told_in_the_readers_language(talked: Recorded, client: Client) -> None:
    page = asked(client, talked)
    for turn_id in ("t1", "t2", "t3"):
        redact_turn(talked.id, turn_id, actor=None, reason="request")
    assert jobs.work(str(RerunJob.objects.get().id)) == "failed"
    assert "holds no words" in body(client, page)
    assert "這段對話沒有文字" in client.get(page, headers={"accept-language": "zh-TW"}).content.decode()


def test_it_speaks_the_readers_language_without_inline_scripts(talked: Recorded, client: Client) -> None:
    page = asked(client, talked)
    jobs.work(str(RerunJob.objects.get().id))
    for path, word in ((f"/history/{talked.id}/rerun", "您說的話會重新得到回答"), (page, "當時")):
        shown = client.get(path, headers={"accept-language": "zh-TW"}).content.decode()
        assert '<html lang="zh-Hant">' in shown
        assert word in shown
        assert "style=" not in shown
        assert "<script>" not in shown
