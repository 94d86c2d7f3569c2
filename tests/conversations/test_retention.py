"""The longest that anything is kept: sounds, turns of a conversation that goes on, whole conversations."""

import io
from datetime import timedelta
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import Schedule
from pytest_django import Settings

from conversations import schedules, selectors, tasks
from conversations.keeping import retention
from conversations.keeping.retention import Overdue
from conversations.log.models import Event
from conversations.log.verify import verify
from conversations.models import Conversation, Session, Turn
from conversations.projections import rebuild
from conversations.services import burial, forks
from conversations.streams import stream_of
from tests.conversations.conversing import Talked, opened, person, say, talked
from tests.conversations.erasing import OTHER, SECRET, sounds

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner() -> str:
    return person("ada")


def aged(conversation: Talked, days: float, *turns: str) -> None:
    """Makes the read models say that it was so long ago; with ``turns``, of those alone."""
    then = timezone.now() - timedelta(days=days)
    said = Turn.objects.filter(conversation_id=conversation.id)
    if turns:
        said.filter(turn_id__in=turns).update(started_at=then)
        return
    said.update(started_at=then)
    Conversation.objects.filter(id=conversation.id).update(started_at=then, updated_at=then)
    Session.objects.filter(conversation_id=conversation.id).update(opened_at=then)


def test_what_is_older_than_allowed_is_erased(owner: str, settings: Settings) -> None:
    settings.KEEP_DAYS = 30
    old, young = (async_to_sync(talked)(owner, *SECRET, session=name) for name in ("s1", "s2"))
    aged(old, 31)
    aged(young, 29)
    assert list(retention.overdue(timezone.now())) == [Overdue("conversation", Conversation.objects.get(id=old.id).id)]
    assert tasks.apply_retention() == "1 erased"
    assert Conversation.objects.get(id=old.id).erased_at is not None
    assert selectors.read_conversation(owner, young.id).turns[0].user_text == SECRET[0][0]
    last = Event.objects.filter(stream=old.stream).latest("sequence")
    assert (last.type, "retention" in last.payload) == ("conversation.erased", True)
    assert tasks.apply_retention() == "0 erased"
    assert verify().breaks == []


def test_who_came_back_since_the_list_was_made_loses_nothing(owner: str, settings: Settings) -> None:
    settings.KEEP_DAYS = 30
    old = async_to_sync(talked)(owner, *SECRET)
    aged(old, 31)
    listed = list(retention.overdue(timezone.now()))
    Session.objects.filter(conversation_id=old.id).update(opened_at=timezone.now())
    assert len(list(retention.apply(iter(listed)))) == 1
    assert Conversation.objects.get(id=old.id).erased_at is None
    assert selectors.read_conversation(owner, old.id).turns[0].user_text == SECRET[0][0]


def test_of_a_conversation_that_goes_on_only_the_old_turns_go(owner: str, settings: Settings) -> None:
    settings.KEEP_DAYS = 30
    both = async_to_sync(talked)(owner, *SECRET)
    aged(both, 31, "t1")
    Conversation.objects.filter(id=both.id).update(started_at=timezone.now() - timedelta(days=31))
    tasks.apply_retention()
    first, second = selectors.read_conversation(owner, both.id).turns
    assert (first.turn.redacted, first.user_text) == (True, "")
    assert second.user_text == SECRET[1][0]
    assert tasks.apply_retention() == "0 erased"


def test_sound_may_go_earlier_than_words(owner: str, settings: Settings) -> None:
    settings.KEEP_DAYS, settings.KEEP_SOUND_DAYS = 30, 7
    said = async_to_sync(talked)(owner, *SECRET)
    before = sounds()
    aged(said, 8)
    assert tasks.apply_retention() == "2 erased"
    assert len(before) - len(sounds()) == 4
    assert [turn.user_text for turn in selectors.read_conversation(owner, said.id).turns] == [q for q, _ in SECRET]
    assert tasks.apply_retention() == "0 erased"
    aged(said, 31)
    assert tasks.apply_retention() == "1 erased"


def test_what_a_fork_took_over_is_as_old_as_where_it_came_from(owner: str, settings: Settings) -> None:
    settings.KEEP_DAYS = 30
    old = async_to_sync(talked)(owner, *SECRET)
    fork = forks.fork(old.id, actor=get_user_model().objects.get(pk=owner), at_turn="t1")
    record = async_to_sync(opened)(owner, conversation_id=fork)
    async_to_sync(say)(record, 9, *OTHER[0])
    aged(old, 31)
    tasks.apply_retention()
    taken, own = selectors.read_conversation(owner, fork).turns
    assert (taken.turn.redacted, taken.user_text) == (True, "")
    assert own.user_text == OTHER[0][0]


def test_a_fork_of_old_turns_is_as_old_as_they_are(
    owner: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KEEP_DAYS = 30
    then = timezone.now() - timedelta(days=31)
    with monkeypatch.context() as back:
        back.setattr("conversations.log.store.timezone.now", lambda: then)
        old = async_to_sync(talked)(owner, *SECRET)
    fork = forks.fork(old.id, actor=get_user_model().objects.get(pk=owner))
    assert set(Turn.objects.filter(conversation_id=fork).values_list("started_at", flat=True)) == {then}
    burial.bury(UUID(old.id), reason="request")  # the fork stands alone: its own dates decide
    tasks.apply_retention()
    turns = selectors.read_conversation(owner, fork).turns
    assert turns
    assert all(turn.turn.redacted for turn in turns)
    assert rebuild.differences(stream_of(fork)) == []


def test_for_ever_is_for_ever(owner: str, settings: Settings) -> None:
    settings.KEEP_DAYS = settings.KEEP_SOUND_DAYS = 0
    aged(async_to_sync(talked)(owner, *OTHER), 20_000)
    assert tasks.apply_retention() == "0 erased"


def test_a_dry_run_says_what_would_go_and_changes_nothing(owner: str, settings: Settings) -> None:
    settings.KEEP_DAYS, settings.KEEP_SOUND_DAYS = 30, 7
    old, heard = (async_to_sync(talked)(owner, *SECRET, session=name) for name in ("s1", "s2"))
    aged(old, 31)
    aged(heard, 8)
    out = io.StringIO()
    call_command("apply_retention", dry_run=True, stdout=out)
    assert out.getvalue().startswith("1 conversations, 0 turns and the sound of 2 turns would be erased.")
    assert not Conversation.objects.exclude(erased_at=None).exists()
    call_command("apply_retention", stdout=out)
    assert "1 conversations, 0 turns and the sound of 2 turns erased." in out.getvalue()


def test_a_run_that_takes_too_long_goes_on_the_next_time(owner: str, settings: Settings) -> None:
    settings.KEEP_DAYS = 30
    for name in ("s1", "s2", "s3"):
        aged(async_to_sync(talked)(owner, *OTHER, session=name), 31)
    assert len(list(retention.apply(retention.overdue(timezone.now()), for_s=0))) == 1
    assert tasks.apply_retention() == "2 erased"


def test_the_tasks_are_scheduled_once_and_retention_only_where_it_is_wanted(settings: Settings) -> None:
    settings.KEEP_DAYS = 30
    schedules.ensure()
    schedules.ensure()
    functions = [f"conversations.tasks.{name}" for name in ("apply_retention", "purge_erased", "sweep_sounds")]
    assert Schedule.objects.filter(func__in=functions).count() == 3
    assert all(callable(import_string(name)) for name in Schedule.objects.values_list("func", flat=True))
    settings.KEEP_DAYS = 0
    schedules.ensure()
    assert not Schedule.objects.filter(func="conversations.tasks.apply_retention").exists()
