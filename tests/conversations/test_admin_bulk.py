"""Bulk actions: what will happen to how many is said first; then each is done, and what is refused is told."""

from uuid import UUID

import pytest
from django.test import Client

from conversations.admin import bulk
from conversations.models import Conversation, Flag
from conversations.services import moderation
from tests.conversations.moderating import held, person

pytestmark = pytest.mark.django_db(transaction=True)
IDS = [f"0198a000-0000-7000-8000-00000000000{number}" for number in range(1, 4)]
LIST = "/admin/conversations/conversation/"


@pytest.fixture
def client() -> Client:
    owner = person("owner")
    for number, conversation_id in enumerate(IDS):
        held(owner, conversation_id, session=f"s-{number}")
    client = Client()
    client.force_login(person("mia", role="moderator", is_staff=True))
    return client


def choose(client: Client, action: str, ids: list[str], path: str = LIST, **more: str) -> str:
    """What the list answers when an action is chosen: the page that asks."""
    answer = client.post(path, {"action": action, "index": "0", "_selected_action": ids, **more}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def confirm(client: Client, action: str, ids: list[str], reason: str, path: str = LIST) -> str:
    fields = {"action": action, "select_across": "0", "_selected_action": ids, "confirmed": "yes", "reason": reason}
    answer = client.post(path, fields, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_names_what_it_will_do_and_does_it_to_those_alone(client: Client) -> None:
    page = choose(client, "erase", IDS[:2])
    assert "This cannot be undone" in page
    assert "It is done to 2:" in page
    assert [identifier[-8:] in page for identifier in IDS] == [True, True, False]
    assert not Conversation.objects.filter(erased_at__isnull=False).exists()

    said = confirm(client, "erase", IDS[:2], "request")
    assert "done for 2 of 2" in said
    assert set(Conversation.objects.filter(erased_at__isnull=False).values_list("id", flat=True)) == {
        UUID(identifier) for identifier in IDS[:2]
    }


def test_what_is_refused_for_one_is_done_for_the_others(client: Client) -> None:
    confirm(client, "erase", IDS[:1], "request")
    said = confirm(client, "flag", IDS, "hate")
    assert "done for 2 of 3" in said
    assert "The conversation was erased" in said
    assert Flag.objects.count() == 2


def test_hiding_in_bulk(client: Client) -> None:
    confirm(client, "hide", IDS, "under_review")
    assert Conversation.objects.filter(hidden=True).count() == 3
    confirm(client, "unhide", IDS[:1], "reviewed")
    assert Conversation.objects.filter(hidden=True).count() == 2


def test_flags_are_dismissed_in_bulk_from_their_filtered_list(client: Client) -> None:
    flags = [moderation.flag(identifier, actor=None, reason="hate", rule="slurs") for identifier in IDS]
    path = "/admin/conversations/flag/?status=open"
    assert "It is done to 3:" in choose(client, "dismiss", flags, path)
    said = confirm(client, "dismiss", flags, "rule_mistaken", path)
    assert "done for 3 of 3" in said
    assert set(Flag.objects.values_list("status", "decision_reason")) == {("dismissed", "rule_mistaken")}


def test_too_many_at_once_are_refused_before_anything_is_done(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 2)
    assert "At most 2 at once" in choose(client, "erase", IDS)
    assert "At most 2 at once" in choose(client, "erase", IDS[:1], select_across="1")


def test_nobody_is_offered_what_they_may_not_do(client: Client) -> None:
    auditor = Client()
    auditor.force_login(person("ada", role="auditor", is_staff=True))
    assert 'name="action"' not in auditor.get(LIST).content.decode()
    for action in ("erase", "hide", "flag"):
        confirm(auditor, action, IDS, "request")
    assert not Conversation.objects.filter(erased_at__isnull=False).exists()
    assert not Flag.objects.exists()
