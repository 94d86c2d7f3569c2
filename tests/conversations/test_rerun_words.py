"""A finished re-run in the admin: both sides' words, turn by turn, for who may read them and says why."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from avatar_project.models import User
from conversations.events import RecordingHeard, TurnRedacted, decode_fact
from conversations.log import store
from conversations.rerun import jobs
from conversations.rerun.engines import PatientEngines
from conversations.rerun_tables import RerunJob
from conversations.services import reruns
from conversations.services.erasure import erase_conversation
from conversations.streams import stream_of
from tests.conversations.recorded import Recorded
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)
READER = ("rerun_conversation", "view_conversation", "read_words")


@pytest.fixture
def talked() -> Recorded:
    recorded = Recorded()
    recorded.spoken("t1", "A number that is secret.", "It was forgotten.")
    recorded.spoken("t2", "How far is the moon?", "Far away.")
    recorded.typed("t3", "Thank you.", "Gladly.")
    return recorded


@pytest.fixture
def job(talked: Recorded, monkeypatch: pytest.MonkeyPatch) -> RerunJob:
    """Its first turn was redacted before, so that the numbers of the two sides differ."""
    talked.append("", TurnRedacted(turn_id="t1", reason="request"))

    @asynccontextmanager
    async def opened(llm: str = "", *, key_variable: str = "") -> AsyncIterator[PatientEngines]:
        yield PatientEngines(FakeEngines(replies=["It is 384 000 kilometres.", "You are welcome."]))

    monkeypatch.setattr(jobs, "opened", opened)
    job = reruns.start(talked.id, actor=get_user_model().objects.get(pk=talked.owner_id))
    assert jobs.work(str(job.id)) == "done"
    job.refresh_from_db()
    return job


def _staff(name: str, *permissions: str) -> User:
    user = get_user_model().objects.create_user(username=name, is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return user


def _page(client: Client, job: RerunJob) -> str:
    return client.get(reverse("admin:conversations_rerunjob_change", args=[job.id])).content.decode()


def _open(client: Client, job: RerunJob, reason: str = "quality") -> int:
    return client.post(reverse("admin:conversations_rerunjob_words", args=[job.id]), {"reason": reason}).status_code


def _readings(recorded: Recorded) -> list[tuple[str, RecordingHeard]]:
    facts = [
        (event.metadata.actor, decode_fact(event.type, event.version, event.payload))
        for event in store.read_stream(stream_of(recorded.id))
    ]
    return [(actor, fact) for actor, fact in facts if isinstance(fact, RecordingHeard)]


def _rows(page: str) -> list[str]:
    table = page.split('id="words"')[1].split("</section>", maxsplit=1)[0]
    return [row.split("</tr>")[0] for row in table.split("<tr>")[2:]]


def test_closed_at_first_then_opened_with_a_reason_and_recorded_once(
    talked: Recorded, job: RerunJob, client: Client
) -> None:
    reader = _staff("reader", *READER)
    client.force_login(reader)
    closed = _page(client, job)
    assert "Open the words" in closed
    assert "first token, then" in closed
    for words in ("How far", "Far away", "384 000"):
        assert words not in closed
    assert _readings(talked) == []

    assert (_open(client, job), _open(client, job)) == (302, 302)

    redacted, second, third = _rows(_page(client, job))
    assert "How far is the moon?" in second
    assert "Far away." in second
    assert "It is 384 000 kilometres." in second
    assert "first token 60 ms" in second
    assert "How far" not in third
    assert "Thank you." in third
    assert "Gladly." in third
    assert "You are welcome." in third
    assert redacted.count("redacted") == 3
    assert "secret" not in redacted
    assert _readings(talked) == [(str(reader.pk), RecordingHeard(what="words", reason="quality"))]

    client.post(reverse("admin:conversations_rerunjob_close", args=[job.id]))
    assert "How far" not in _page(client, job)


def test_without_a_reason_nothing_opens(talked: Recorded, job: RerunJob, client: Client) -> None:
    client.force_login(_staff("reader", *READER))
    _open(client, job, reason="")
    page = _page(client, job)
    assert "Say why" in page
    assert "How far" not in page
    assert client.get(reverse("admin:conversations_rerunjob_words", args=[job.id])).status_code == 405
    assert _readings(talked) == []


@pytest.mark.parametrize("missing", READER[1:])
def test_who_may_not_read_words_sees_figures_alone(
    missing: str, talked: Recorded, job: RerunJob, client: Client
) -> None:
    client.force_login(_staff("auditor", *(name for name in READER if name != missing)))
    assert _open(client, job) == 403
    page = _page(client, job)
    assert "first token, then" in page
    assert "Open the words" not in page
    assert "How far" not in page
    assert _readings(talked) == []


def test_who_loses_the_permission_reads_no_more(talked: Recorded, job: RerunJob, client: Client) -> None:
    reader = _staff("reader", *READER)
    client.force_login(reader)
    _open(client, job)
    reader.user_permissions.remove(Permission.objects.get(codename="read_words"))
    assert "How far" not in _page(client, job)


def test_a_side_that_was_erased_says_so(talked: Recorded, job: RerunJob, client: Client) -> None:
    client.force_login(_staff("reader", *READER))
    _open(client, job)
    erase_conversation(str(job.result_id), actor=None, reason="request")
    _, second, _ = _rows(_page(client, job))
    assert "Far away." in second
    assert "384 000" not in second
    assert 'class="mark gone"' in second

    erase_conversation(talked.id, actor=None, reason="request")
    page = _page(client, job)
    assert "This conversation was erased" in page
    assert "Far away." not in page
    assert _open(client, job) == 404
