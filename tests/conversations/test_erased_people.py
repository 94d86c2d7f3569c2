"""A person who is erased leaves an opaque id, and nothing that says who it was."""

from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django_q.models import Schedule

from avatar_project.models import ApiKey, User
from conversations.errors import PersonNotFound
from conversations.keeping import purging
from conversations.log import store
from conversations.log.verify import verify
from conversations.models import Conversation
from conversations.people_events import person_stream
from conversations.rerun_tables import RerunJob
from conversations.services import erasure, people
from tests.conversations.conversing import person, talked
from tests.conversations.erasing import OTHER, SECRET, sounds, stored

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "augusta.king"


@pytest.fixture
def augusta() -> User:
    fields = {"first_name": "Augusta", "last_name": "Kingston", "email": "augusta.king@example.org"}
    user: User = get_user_model().objects.get(pk=person(NAME, password="x", **fields))
    user.groups.add(Group.objects.get_or_create(name="talkers")[0])
    RerunJob.objects.create(owner=user, conversation_id=uuid4(), instructions="Speak as Augusta Kingston.")
    ApiKey.objects.create(owner=user, name="laptop", prefix="avk_1", digest="d" * 64)
    return user


def test_conversations_keys_sessions_and_names_go_and_the_row_stays(augusta: User) -> None:
    chief = User.objects.create_superuser("chief")
    for said in (SECRET, OTHER):
        async_to_sync(talked)(str(augusta.pk), *said)
    of_other = async_to_sync(talked)(str(chief.pk), *OTHER)
    browser = Client()
    browser.force_login(augusta)
    people.block(augusta.pk, actor=chief, reason="abuse", note="Augusta Kingston shouted")
    people.unblock(augusta.pk, actor=chief, reason="resolved")
    LogEntry.objects.create(
        user=chief,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(augusta.pk),
        object_repr=NAME,
        action_flag=CHANGE,
        change_message="Augusta",
    )
    browser.force_login(augusta)
    kept = sounds()

    erasure.erase_person(augusta.pk, actor=chief, reason="request")

    row = User.objects.get(pk=augusta.pk)
    assert (row.username, row.first_name, row.last_name, row.email) == (f"erased-{row.pk.hex}", "", "", "")
    assert (row.is_active, row.has_usable_password(), row.groups.count(), row.last_login) == (False, False, 0, None)
    assert not Schedule.objects.exists(), "nothing is left to be finished"
    assert not RerunJob.objects.exists()
    assert not ApiKey.objects.filter(owner=row).exists()
    assert not [one for one in Session.objects.all() if one.get_decoded().get("_auth_user_id") == str(row.pk)]
    assert Conversation.objects.filter(owner=row, erased_at=None).count() == 0
    assert Conversation.objects.filter(owner=row).count() == 2
    assert len(kept) - len(sounds()) == 6
    last = store.read_stream(person_stream(row.pk))[-1]
    assert (last.type, last.payload, last.metadata.actor) == (
        "person.erased",
        {"reason": "request", "conversations": 2},
        str(chief.pk),
    )
    assert all(event.redacted for event in store.read_stream(person_stream(row.pk)) if "note" in event.type)
    assert of_other.wrapped_keys()
    assert verify().breaks == []
    call_command("rebuild_projections", check=True)

    purging.purge()
    left = stored()
    for word in (b"augusta", b"Augusta", b"Kingston", b"quince", b"shouted"):
        assert word not in left


def test_erasing_a_person_again_changes_nothing(augusta: User) -> None:
    async_to_sync(talked)(str(augusta.pk), *OTHER)
    erasure.erase_person(augusta.pk, actor=augusta, reason="request")
    position = store.last_position()
    erasure.erase_person(augusta.pk, actor=None, reason="request")
    assert store.last_position() == position


def test_a_person_without_conversations_can_be_erased(augusta: User) -> None:
    erasure.erase_person(augusta.pk, actor=augusta, reason="request")
    assert [event.type for event in store.read_stream(person_stream(augusta.pk))] == ["person.erased"]


@pytest.mark.parametrize("nobody", ["nonsense", "0198a000-0000-7000-8000-000000000001"])
def test_nobody_cannot_be_erased(nobody: str) -> None:
    with pytest.raises(PersonNotFound):
        erasure.erase_person(nobody, actor=None, reason="request")
