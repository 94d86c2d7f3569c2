"""When the chain was last verified and what came of it: remembered, and said on the admin's pages."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django_q.models import OrmQ

from conversations.errors import NotAllowed
from conversations.models import Verification
from conversations.proof import verifying
from tests.conversations.log_helpers import execute, triggers_off
from tests.conversations.moderating import ONE, held, person

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/log/event/"


@pytest.fixture
def auditor() -> Client:
    held(person("owner"))
    client = Client()
    client.force_login(person("ada", role="auditor", is_staff=True))
    return client


def verify(*arguments: str) -> None:
    call_command("verify_chain", *arguments, stdout=io.StringIO(), stderr=io.StringIO())


def test_the_commands_verdict_is_on_the_first_page(auditor: Client) -> None:
    assert "never" in auditor.get("/admin/").content.decode()
    verify(ONE)
    assert "never" in auditor.get("/admin/").content.decode(), "one conversation is not the whole"
    verify()
    assert "it holds" in auditor.get("/admin/").content.decode()
    assert "13 events" in auditor.get(LIST).content.decode()
    with triggers_off():
        execute("UPDATE log_event SET payload = '{}' WHERE sequence = 3")
    with pytest.raises(CommandError):
        verify()
    assert "broken" in auditor.get("/admin/").content.decode()
    latest = Verification.objects.order_by("-at")[0]
    assert (latest.stream, latest.breaks) == ("", 1)
    assert "3:" in latest.first_break


def test_an_auditor_has_the_whole_verified_in_the_background(auditor: Client) -> None:
    said = auditor.post(LIST + "verify/", follow=True).content.decode()
    assert "is being verified" in said
    assert not Verification.objects.exists()
    (waiting,) = OrmQ.objects.all()
    assert waiting.func() == "conversations.proof.verifying.verify_all"
    (actor_id,) = waiting.task["args"]
    verifying.verify_all(actor_id)
    verdict = Verification.objects.get()
    assert (verdict.stream, verdict.breaks, verdict.events, verdict.actor) == ("", 0, 13, actor_id)


def test_it_takes_the_permission(auditor: Client) -> None:
    moderator = person("mia", role="moderator")
    with pytest.raises(NotAllowed):
        verifying.verify_and_note(ONE, actor=moderator)
    with pytest.raises(NotAllowed):
        verifying.verify_all_in_background(actor=moderator)
