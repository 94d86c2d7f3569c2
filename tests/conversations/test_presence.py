"""Who is live now; and a session whose server died does not stay so."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import Schedule

from conversations import schedules, tasks
from conversations.events import ConversationStarted, SessionClosed, SessionOpened, UserWrote
from conversations.log.errors import KeyDestroyed
from conversations.models import Conversation, Presence, Session
from conversations.oversight import presence, processes
from conversations.services import burial
from conversations.services.access import record
from tests.conversations.moderators import in_thread, live_session, person

pytestmark = pytest.mark.django_db(transaction=True)


def opened(owner: Any, session_id: str = "sess_1") -> Session:
    conversation_id = f"00000000-0000-7000-8000-{abs(hash(session_id)) % 10**12:012d}"
    record(conversation_id, ConversationStarted(owner=str(owner.pk)), SessionOpened(session_id=session_id), actor=owner)
    return Session.objects.get(session_id=session_id)


def seen(session: Session, *, ago_s: float, process: str = "") -> None:
    at = timezone.now() - timedelta(seconds=ago_s)
    Session.objects.filter(pk=session.pk).update(opened_at=at)
    Presence.objects.create(session_id=session.session_id, process=process or processes.this_process(), seen_at=at)


def test_a_live_session_is_in_the_list_with_all_but_its_words() -> None:
    ana = person("ana")
    session = opened(ana)
    seen(session, ago_s=5)
    record(session.conversation_id, UserWrote(item_id="i", text="a secret"), actor=ana)
    (shown,) = presence.live_sessions()
    assert (shown.session_id, shown.conversation_id) == ("sess_1", session.conversation_id)
    assert (shown.owner_name, shown.is_guest, shown.muted, shown.keep) == ("ana", False, False, "sound")
    assert "secret" not in repr(shown)


def test_a_session_whose_row_grows_old_is_not_live() -> None:
    session = opened(person())
    seen(session, ago_s=presence.FRESH_S + 5)
    assert presence.live_sessions() == ()


def test_a_session_that_has_just_begun_is_live_before_its_first_row() -> None:
    opened(person())
    assert [shown.session_id for shown in presence.live_sessions()] == ["sess_1"]


def test_a_closed_session_is_not_live() -> None:
    session = opened(person())
    seen(session, ago_s=0)
    record(session.conversation_id, SessionClosed(session_id="sess_1", reason="disconnected"), actor=None)
    assert presence.live_sessions() == ()
    assert presence.sweep() == 0
    assert not Presence.objects.exists()


def test_the_list_is_one_query_however_long(django_assert_num_queries: Any) -> None:
    ana = person()
    for number in range(8):
        seen(opened(ana, f"sess_{number}"), ago_s=1)
    with django_assert_num_queries(1):
        assert len(presence.live_sessions()) == 8


def test_a_session_whose_process_has_ended_is_closed_at_once() -> None:
    code = "from conversations.oversight.processes import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert processes.has_ended(ended)
    session = opened(person())
    seen(session, ago_s=1, process=ended)
    assert presence.sweep() == 1
    session.refresh_from_db()
    assert (session.close_reason, session.closed_at is not None) == ("lost", True)
    assert presence.sweep() == 0


def test_the_task_cluster_looks_every_minute() -> None:
    session = opened(person())
    seen(session, ago_s=presence.LOST_S + 5)
    schedules.ensure()
    assert Schedule.objects.get(func="conversations.tasks.close_lost_sessions").minutes == 1
    assert tasks.close_lost_sessions() == "1 closed"


@pytest.mark.parametrize(("ago_s", "lost"), [(presence.FRESH_S, False), (presence.LOST_S + 5, True)])
def test_a_session_elsewhere_is_given_up_when_it_is_silent_for_long(ago_s: float, lost: bool) -> None:
    session = opened(person())
    seen(session, ago_s=ago_s, process="another-machine|7|12345")
    assert presence.sweep() == int(lost)
    session.refresh_from_db()
    assert (session.closed_at is not None) is lost


def test_a_process_that_lives_has_not_ended() -> None:
    assert not processes.has_ended(processes.this_process())
    assert not processes.has_ended("another-machine|1|1")
    assert not processes.has_ended("nonsense")


async def test_a_running_session_says_that_it_lives_and_the_sweep_leaves_it_alone() -> None:
    ana = await in_thread(person)
    async with live_session(ana) as socket:
        rows = Presence.objects.filter(session_id=socket.session_id, process=processes.this_process())
        async with asyncio.timeout(5):
            while not await in_thread(rows.exists):  # noqa: ASYNC110 - another task writes it
                await asyncio.sleep(0.02)
        assert await in_thread(presence.sweep) == 0
        assert [shown.session_id for shown in await in_thread(presence.live_sessions)] == [socket.session_id]
        assert await in_thread(presence.holders) == 1


async def test_a_session_that_was_given_up_by_mistake_ends_and_may_come_again() -> None:
    ana = await in_thread(person)
    async with live_session(ana) as socket:
        fact = SessionClosed(session_id=socket.session_id, reason=presence.LOST)
        await in_thread(lambda: record(socket.conversation_id, fact, actor=None))
        assert (await socket.until("error"))["error"]["code"] == "draining"
        assert await socket.closed() == 4012
        await socket.wait(5)
    again = Conversation.objects.filter(id=socket.conversation_id)
    assert await in_thread(again.exists)


def test_a_lost_session_of_an_erased_conversation_is_closed_with_the_others() -> None:
    ana = person()
    erased, other = opened(ana), opened(ana, "sess_2")
    # A fact with an idempotency key makes the key that the repetition is compared under; it dies with the rest.
    record(
        erased.conversation_id, SessionClosed(session_id="elsewhere", reason="left"), actor=None, idempotency_key="k"
    )
    burial.bury(erased.conversation_id, reason="test")
    for session in (erased, other):
        Session.objects.filter(pk=session.pk).update(closed_at=None)
        seen(session, ago_s=presence.LOST_S + 5)
    assert presence.sweep() == 2
    assert not Session.objects.filter(closed_at=None).exists()


def test_a_session_that_cannot_be_closed_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    ana = person()
    for name in ("sess_1", "sess_2"):
        seen(opened(ana, name), ago_s=presence.LOST_S + 5)

    def fails_for_one(conversation_id: Any, fact: SessionClosed, **options: Any) -> Any:
        if fact.session_id == "sess_1":
            raise KeyDestroyed
        return record(conversation_id, fact, **options)

    monkeypatch.setattr(presence, "record", fails_for_one)
    assert presence.sweep() == 1
    assert [session.session_id for session in Session.objects.filter(closed_at=None)] == ["sess_1"]
