"""Bulk actions: what will happen to how many is said first; then each is done, and what is refused is told."""

import re
from uuid import UUID

import pytest
from django.test import Client

from avatar_project.models import User
from conversations.admin import bulk
from conversations.models import Conversation, Flag, Session, Turn
from conversations.services import erasure, moderation
from tests.conversations.moderating import facts, held, person

pytestmark = pytest.mark.django_db(transaction=True)
IDS = [f"0198a000-0000-7000-8000-00000000000{number}" for number in range(1, 4)]
LIST = "/admin/conversations/conversation/"
TURNS = "/admin/conversations/turn/"
RECORDINGS = "/admin/conversations/recording/"
SESSIONS = "/admin/conversations/session/"
PEOPLE = "/admin/avatar_project/user/"


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


def test_turns_are_flagged_and_redacted_in_bulk(client: Client) -> None:
    erasure.erase_conversation(IDS[2], actor=None, reason="request")
    spoken = [str(turn.pk) for turn in Turn.objects.filter(turn_id="t1").order_by("conversation_id")]
    page = choose(client, "redact", spoken[:2], TURNS)
    assert "This cannot be undone" in page
    assert "It is done to 2:" in page
    assert not Turn.objects.filter(redacted=True, conversation_id__in=IDS[:2]).exists()

    said = confirm(client, "flag", spoken, "hate", TURNS)
    assert "done for 2 of 3" in said
    assert "The conversation was erased" in said
    assert {(str(flag.conversation_id), flag.turn_id) for flag in Flag.objects.all()} == {(i, "t1") for i in IDS[:2]}
    said = confirm(client, "redact", spoken[1:], "request", TURNS)
    assert "done for 1 of 2" in said
    assert "The conversation was erased" in said
    redacted = Turn.objects.filter(redacted=True, conversation_id__in=IDS[:2])
    assert [(str(turn.conversation_id), turn.turn_id) for turn in redacted] == [(IDS[1], "t1")]


def test_the_sound_alone_is_redacted_in_bulk(client: Client) -> None:
    recorded = [str(turn.pk) for turn in Turn.objects.exclude(user_audio_id="").order_by("conversation_id")]
    assert len(recorded) == 3
    assert "done for 2 of 2" in confirm(client, "redact-sound", recorded[:2], "request", RECORDINGS)
    assert not Turn.objects.filter(redacted=True).exists()
    assert [str(turn.pk) for turn in Turn.objects.exclude(user_audio_id="", reply_audio_id="")] == recorded[2:]
    confirm(client, "redact", recorded[2:], "request", RECORDINGS)
    assert [str(turn.pk) for turn in Turn.objects.filter(redacted=True)] == recorded[2:]


def test_sessions_are_muted_and_ended_in_bulk(client: Client) -> None:
    Session.objects.filter(session_id="s-2").update(closed_at="2026-06-01T12:00:00Z")
    said = confirm(client, "mute", ["s-1", "s-2"], "abuse", SESSIONS)
    assert "done for 1 of 2" in said
    assert "This session has ended" in said
    assert [session.pk for session in Session.objects.filter(muted=True)] == ["s-1"]
    said = confirm(client, "end", ["s-0", "s-1", "s-2"], "abuse", SESSIONS)
    assert "done for 2 of 3" in said
    assert [len(facts(identifier, "session.cut")) for identifier in IDS] == [1, 1, 0]


def test_people_are_blocked_in_bulk_and_the_staff_is_left(client: Client) -> None:
    people = [User.objects.get(username="owner"), person("ben"), person("root", is_staff=True)]
    said = confirm(client, "block", [str(one.pk) for one in people], "abuse", PEOPLE)
    assert "done for 2 of 3" in said
    assert "Only a superuser" in said
    assert set(User.objects.filter(is_active=False).values_list("username", flat=True)) == {"owner", "ben"}
    assert [len(facts(identifier, "session.cut")) for identifier in IDS] == [1, 1, 1]


def test_each_action_is_offered_with_its_permission_alone() -> None:
    views = ("view_turn", "view_recording", "view_session", "avatar_project.view_user")
    offers = {
        "flag_conversation": {TURNS: {"flag"}, RECORDINGS: {"flag"}},
        "redact_turn": {TURNS: {"redact", "redact-sound"}, RECORDINGS: {"redact", "redact-sound"}},
        "mute_session": {SESSIONS: {"mute"}},
        "cut_session": {SESSIONS: {"end"}},
        "avatar_project.block_person": {PEOPLE: {"block"}},
        "": {},
    }
    held(person("talker"), IDS[0])
    for number, (permission, offered) in enumerate(offers.items()):
        client = Client()
        granted = (*views, permission) if permission else views
        client.force_login(person(f"somebody-{number}", *granted, is_staff=True))
        for path in (TURNS, RECORDINGS, SESSIONS, PEOPLE):
            page = client.get(path).content.decode()
            found = re.search(r'<select name="action".*?</select>', page, re.DOTALL)
            values = set(re.findall(r'value="([^"]+)"', found[0])) if found else set()
            assert values == offered.get(path, set()), (permission, path)
