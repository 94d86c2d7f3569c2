"""What a moderator does on the page of a conversation: asked for, with a reason, done once, and recorded."""

import pytest
from django.test import Client

from avatar_project.models import User
from conversations.log.models import Event
from conversations.models import Conversation, Flag, Session, Turn, Verification
from conversations.services import moderation
from tests.conversations.admin_page import PAGE, ask, confirm
from tests.conversations.log_helpers import execute, triggers_off
from tests.conversations.moderating import ONE, facts, held, person

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_moderators_acts_take_a_confirmation_and_a_reason(client: Client, moderator: User) -> None:
    confirm(client, PAGE + "do/flag/?of=t1", reason="hate", note="look at this")
    flag = Flag.objects.get()
    assert (flag.turn_id, flag.reason, flag.raised_by) == ("t1", "hate", str(moderator.pk))
    assert "look at this" in ask(client, PAGE + "change/")

    confirm(client, PAGE + f"do/uphold/?of={flag.flag_id}", reason="confirmed")
    assert Flag.objects.get().status == "upheld"

    confirm(client, PAGE + "do/hide/", reason="legal")
    assert Conversation.objects.get().hidden
    confirm(client, PAGE + "do/unhide/", reason="reviewed")
    assert not Conversation.objects.get().hidden

    confirm(client, PAGE + "do/redact-sound/?of=t1", reason="third_party")
    assert Turn.objects.get(turn_id="t1").user_audio_id == ""
    confirm(client, PAGE + "do/redact/?of=t1", reason="third_party")
    assert Turn.objects.get(turn_id="t1").redacted

    confirm(client, PAGE + "do/mute/?of=s-1", reason="abuse")
    assert Session.objects.get().muted
    confirm(client, PAGE + "do/end/?of=s-1", reason="abuse")
    confirm(client, PAGE + "do/erase/", reason="request")
    assert Conversation.objects.get().erased_at is not None
    actors = {
        event.metadata.actor
        for event in facts()
        if event.type.startswith(("flag.", "turn.redacted", "conversation.hidden", "conversation.erased"))
    }
    assert actors == {str(moderator.pk)}
    assert "was erased" in ask(client, PAGE + "change/")


def test_what_moderators_note_is_for_those_who_decide(client: Client, moderator: User) -> None:
    moderation.flag(ONE, actor=moderator, reason="hate", note="a neighbour is named", turn_id="t1")
    assert "a neighbour is named" in ask(client, PAGE + "change/")
    for role, sees_flags in (("auditor", True), ("integrator", False), ("voice manager", False)):
        other = Client()
        other.force_login(person(role, role=role, is_staff=True))
        page = ask(other, PAGE + "change/")
        assert "a neighbour is named" not in page
        assert ("flagged: Hatred" in page) == sees_flags, role


def test_a_reason_says_what_it_said_where_it_was_chosen(client: Client, moderator: User) -> None:
    """``quality`` is a broken answer in a flag, and may be why somebody listens."""
    moderation.flag(ONE, actor=moderator, reason="quality")
    moderation.note_listening(ONE, actor=moderator, reason="quality")
    page = ask(client, PAGE + "change/")
    assert "flagged: A wrong or broken answer" in page
    assert "recording heard: Quality" in page
    assert "A wrong or broken answer" in ask(client, "/admin/conversations/flag/")


@pytest.mark.parametrize("fields", [{}, {"reason": "no such reason"}, {"reason": "hate", "note": "x" * 2001}])
def test_without_a_good_reason_nothing_is_done(client: Client, fields: dict[str, str]) -> None:
    answer = client.post(PAGE + "do/flag/", {"confirmed": "yes", **fields})
    assert answer.status_code == 200
    assert not Flag.objects.exists()


def test_a_form_from_elsewhere_does_nothing(moderator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(moderator)
    for path in ("do/erase/", "words/", f"listen/{'a' * 32}/", "verify/"):
        assert client.post(PAGE + path, {"confirmed": "yes", "reason": "request"}).status_code == 403
    assert Conversation.objects.get().erased_at is None


@pytest.mark.parametrize(
    "path",
    ["do/nothing/", "do/flag/?of=t9", "do/uphold/?of=none", "do/redact/", "do/hide/?of=t1", "do/mute/?of=s-9"],
)
def test_what_is_not_in_the_conversation_is_not_found(client: Client, path: str) -> None:
    assert client.get(PAGE + path).status_code == 404


def test_what_is_refused_is_said(client: Client, moderator: User) -> None:
    flag_id = moderation.flag(ONE, actor=moderator, reason="hate")
    path = f"{PAGE}do/dismiss/?of={flag_id}"
    moderation.decide_flag(flag_id, actor=moderator, decision="upheld", reason="confirmed")
    answer = client.post(path, {"confirmed": "yes", "reason": "harmless"}, follow=True)
    assert "This flag was upheld before" in answer.content.decode()


def test_the_chain_is_verified_from_its_page(client: Client, moderator: User) -> None:
    assert client.post(PAGE + "verify/").status_code == 403
    auditor = Client()
    auditor.force_login(person("ada", role="auditor", is_staff=True))
    answer = auditor.post(PAGE + "verify/", follow=True)
    assert "The chain holds" in answer.content.decode()
    assert Verification.objects.get().breaks == 0
    with triggers_off():
        execute("UPDATE log_event SET payload = '{}' WHERE sequence = 3")
    answer = auditor.post(PAGE + "verify/", follow=True)
    assert "broken at event 3" in answer.content.decode()
    assert Verification.objects.order_by("-at")[0].breaks == 1


def test_nothing_is_changed_through_the_orm(client: Client) -> None:
    superuser = Client()
    superuser.force_login(User.objects.create_superuser("root"))
    for model in ("conversation", "turn", "flag", "session", "recording"):
        assert superuser.get(f"/admin/conversations/{model}/add/").status_code == 403
    assert superuser.get(PAGE + "delete/").status_code == 403
    assert superuser.post(PAGE + "change/", {"language": "xx"}).status_code == 403
    assert superuser.get("/admin/log/event/add/").status_code == 403
    position = Event.objects.order_by("position")[0].position
    assert superuser.post(f"/admin/log/event/{position}/change/", {"type": "x"}).status_code == 403
    assert superuser.get(f"/admin/log/event/{position}/delete/").status_code == 403
