"""Re-runs in the background: asked for by those who may, in slices, with progress, stopped when asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connections
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from avatar_project.models import User
from conversations.errors import ConversationNotFound, NotAllowed, WrongState
from conversations.events import RecordingHeard, decode_fact
from conversations.log import store
from conversations.models import Conversation, Keep, Turn
from conversations.rerun import jobs
from conversations.rerun.engines import PatientEngines
from conversations.rerun_tables import RerunJob, RerunState
from conversations.services import reruns
from conversations.services.copying import Copy
from conversations.streams import stream_of
from inference.types import ChatDelta, ChatRequest
from tests.conversations.recorded import Recorded
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def talked() -> Recorded:
    recorded = Recorded()
    recorded.spoken("t1", "How far is the moon?", "Far.")
    recorded.spoken("t2", "And the sun?", "Farther.")
    recorded.typed("t3", "Thank you.", "Gladly.")
    return recorded


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> FakeEngines:
    fake = FakeEngines()

    @asynccontextmanager
    async def opened(llm: str = "", *, key_variable: str = "") -> AsyncIterator[PatientEngines]:
        yield PatientEngines(fake)

    monkeypatch.setattr(jobs, "opened", opened)
    return fake


def _user(name: str, *permissions: str, staff: bool = False) -> User:
    user = get_user_model().objects.create_user(username=name, is_staff=staff)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return get_user_model().objects.get(pk=user.pk)


def _owner(recorded: Recorded) -> User:
    return get_user_model().objects.get(pk=recorded.owner_id)


def _queued() -> list[str]:
    return [task.func() for task in OrmQ.objects.all()]


def test_the_owner_asks_the_task_does_it_and_says_how_far_it_is(talked: Recorded, engines: FakeEngines) -> None:
    job = reruns.start(talked.id, actor=_owner(talked), instructions="Be brief.")
    assert (job.state, _queued()) == (RerunState.QUEUED, ["conversations.rerun.jobs.work"])

    assert jobs.work(str(job.id)) == "done"

    job.refresh_from_db()
    assert (job.state, job.done, job.total) == (RerunState.DONE, 3, 3)
    assert [turn["number"] for turn in job.compared] == [1, 2, 3]
    assert "moon" not in str(job.compared), "a job holds figures, never words"
    fork = Conversation.objects.get(id=str(job.result_id))
    assert (fork.turn_count, fork.hidden, str(fork.forked_from)) == (3, False, talked.id)
    assert engines.requests[0].messages[0]["content"] == "Be brief."
    assert jobs.work(str(job.id)) == "nothing to do"


def test_a_task_ends_after_its_slice_and_the_next_goes_on(talked: Recorded, engines: FakeEngines) -> None:
    job = reruns.start(talked.id, actor=_owner(talked))
    OrmQ.objects.all().delete()
    for expected in (0, 0):
        assert jobs.work(str(job.id), slice_s=0.0) == "to be continued"
        job.refresh_from_db()
        assert (job.state, job.done) == (RerunState.RUNNING, expected)
    assert len(_queued()) == 2
    assert jobs.work(str(job.id)) == "done"
    assert RerunJob.objects.get(id=job.id).result_id == job.result_id
    assert Turn.objects.filter(conversation_id=str(job.result_id)).count() == 3
    assert Conversation.objects.filter(forked_from=talked.id).count() == 1


def test_after_a_crash_the_same_task_goes_on_where_it_was(
    talked: Recorded, engines: FakeEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = reruns.start(talked.id, actor=_owner(talked))
    spoken = engines.speech

    def crash(*_args: object, **_options: object) -> None:
        raise SystemExit

    monkeypatch.setattr(engines, "speech", lambda *a, **k: crash() if len(engines.requests) > 1 else spoken(*a, **k))
    with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever the group makes of it
        jobs.work(str(job.id))
    job.refresh_from_db()
    assert (job.state, job.done) == (RerunState.RUNNING, 1)
    monkeypatch.setattr(engines, "speech", spoken)
    assert jobs.work(str(job.id)) == "done"
    job.refresh_from_db()
    assert [turn["number"] for turn in job.compared] == [1, 2, 3]
    assert Turn.objects.filter(conversation_id=str(job.result_id)).count() == 3


def test_a_copy_that_a_kill_left_half_made_is_made_anew(
    talked: Recorded, engines: FakeEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = reruns.start(talked.id, actor=_owner(talked), from_turn="3")
    copied = Copy.run

    def killed(self: Copy, kept: list[Keep]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Copy, "run", killed)
    monkeypatch.setattr(Copy, "undo", lambda _self: None)
    with pytest.raises(KeyboardInterrupt):
        jobs.work(str(job.id))
    monkeypatch.setattr(Copy, "run", copied)
    [half] = Conversation.objects.exclude(id=talked.id)
    RerunJob.objects.filter(id=job.id).update(result_id=half.id)  # as it stands when nothing could be tidied up
    assert jobs.work(str(job.id)) == "done"
    job.refresh_from_db()
    assert job.result_id != half.id
    assert Turn.objects.filter(conversation_id=str(job.result_id)).count() == 3
    half.refresh_from_db()
    assert half.erased_at is not None


def test_what_was_allowed_when_it_was_asked_may_not_be_when_it_runs(talked: Recorded, engines: FakeEngines) -> None:
    auditor = _user("auditor", "rerun_conversation")
    job = reruns.start(talked.id, actor=auditor)
    auditor.user_permissions.clear()
    assert jobs.work(str(job.id)) == "failed"
    assert Conversation.objects.count() == 1
    mine = reruns.start(talked.id, actor=_owner(talked))
    get_user_model().objects.filter(pk=talked.owner_id).update(is_active=False)
    assert jobs.work(str(mine.id)) == "failed"
    assert Conversation.objects.count() == 1


def test_anothers_conversation_is_not_there_without_the_permission(talked: Recorded, engines: FakeEngines) -> None:
    with pytest.raises(ConversationNotFound):
        reruns.start(talked.id, actor=_user("stranger"))
    job = reruns.start(talked.id, actor=_owner(talked))
    with pytest.raises(ConversationNotFound):
        reruns.stop(job.id, actor=_user("another"))


def test_with_the_permission_the_reading_is_recorded_and_the_fork_is_hidden(
    talked: Recorded, engines: FakeEngines
) -> None:
    auditor = _user("auditor", "rerun_conversation")
    job = reruns.start(talked.id, actor=auditor)
    last = store.read_stream(stream_of(talked.id))[-1]
    assert decode_fact(last.type, last.version, last.payload) == RecordingHeard(what="words", reason="rerun")
    assert last.metadata.actor == str(auditor.pk)
    jobs.work(str(job.id))
    job.refresh_from_db()
    fork = Conversation.objects.get(id=str(job.result_id))
    assert (fork.hidden, str(fork.owner_id)) == (True, talked.owner_id)


def test_only_with_the_permission_is_a_conversation_sent_elsewhere(talked: Recorded) -> None:
    with pytest.raises(NotAllowed):
        reruns.start(talked.id, actor=_owner(talked), llm="https://example.org/v1#m")


def test_one_person_may_have_so_many_waiting(talked: Recorded) -> None:
    owner = _owner(talked)
    for _ in range(reruns.MOST_WAITING):
        reruns.start(talked.id, actor=owner)
    with pytest.raises(reruns.TooMany):
        reruns.start(talked.id, actor=owner)
    reruns.stop(RerunJob.objects.filter(owner=owner).first().id, actor=owner)  # type: ignore[union-attr]
    reruns.start(talked.id, actor=owner)


def test_what_cannot_be_run_again_says_why(talked: Recorded, engines: FakeEngines) -> None:
    owner = _owner(talked)
    job = reruns.start(talked.id, actor=owner, voice="nobody")
    assert jobs.work(str(job.id)) == "failed"
    job.refresh_from_db()
    assert (job.state, job.result_id) == (RerunState.FAILED, None)
    assert "no voice 'nobody'" in job.detail
    Conversation.objects.filter(id=talked.id).update(erased_at=datetime.now(UTC))
    with pytest.raises(WrongState, match="erased"):
        reruns.start(talked.id, actor=owner)


def test_stopped_it_ends_after_the_turn_it_is_at(
    talked: Recorded, engines: FakeEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = _owner(talked)
    job = reruns.start(talked.id, actor=owner)
    answered = engines.chat

    def stop() -> None:
        if not RerunJob.objects.filter(id=job.id, state=RerunState.STOPPED).exists():
            reruns.stop(job.id, actor=owner)
        connections.close_all()

    async def chat(request: ChatRequest, *, due_in_s: float = 0.0) -> AsyncIterator[ChatDelta]:
        await asyncio.to_thread(stop)
        async for delta in answered(request, due_in_s=due_in_s):
            yield delta

    monkeypatch.setattr(engines, "chat", chat)
    assert jobs.work(str(job.id)) == "stopped"
    job.refresh_from_db()
    assert job.state == RerunState.STOPPED
    assert Turn.objects.filter(conversation_id=str(job.result_id)).count() == 1
    with pytest.raises(WrongState):
        reruns.stop(job.id, actor=owner)


def test_in_the_admin_it_is_asked_for_and_watched(talked: Recorded, engines: FakeEngines, client: Client) -> None:
    client.force_login(_user("auditor", "rerun_conversation", "view_conversation", staff=True))
    form = client.get(reverse("admin:conversations_rerunjob_start"), {"conversation": talked.id})
    assert talked.id in form.content.decode()

    asked = client.post(reverse("admin:conversations_rerunjob_start"), {"conversation_id": talked.id, "voice": "bert"})

    job = RerunJob.objects.get()
    page = reverse("admin:conversations_rerunjob_change", args=[job.id])
    assert asked["Location"] == page
    assert 'http-equiv="refresh"' in client.get(page).content.decode(), "the page follows it"
    jobs.work(str(job.id))
    shown = client.get(page).content.decode()
    assert 'http-equiv="refresh"' not in shown
    assert "3 of 3 turns" in shown
    assert "How far" not in shown, "the words are closed"
    assert "3 / 3" in client.get(reverse("admin:conversations_rerunjob_changelist")).content.decode()
    refused = client.post(reverse("admin:conversations_rerunjob_start"), {"conversation_id": _erased(talked)})
    assert "erased" in refused.content.decode()
    assert client.get(reverse("admin:conversations_rerunjob_add")).status_code == 403


def test_staff_without_the_permission_see_nothing_of_it(talked: Recorded, client: Client) -> None:
    job = reruns.start(talked.id, actor=_owner(talked))
    client.force_login(_user("clerk", "view_conversation", staff=True))
    for name, arguments in (
        ("changelist", []),
        ("start", []),
        ("change", [job.id]),
    ):
        assert client.get(reverse(f"admin:conversations_rerunjob_{name}", args=arguments)).status_code == 403
    assert client.post(reverse("admin:conversations_rerunjob_stop", args=[job.id])).status_code == 403


def _erased(recorded: Recorded) -> str:
    Conversation.objects.filter(id=recorded.id).update(erased_at=datetime.now(UTC))
    return recorded.id
