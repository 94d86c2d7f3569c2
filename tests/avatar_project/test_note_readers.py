"""Where the admin asks why: the reason is somebody's choice, and it is said who will read the note."""

from typing import Any

import pytest
from django.test import Client

from tests.voices import making
from voices import services
from voices.models import State, Voice

pytestmark = pytest.mark.django_db(transaction=True)
FOR_THE_OWNER = "The owner of the voice reads it"
FOR_MODERATORS = "For other moderators"


@pytest.fixture
def client() -> Client:
    """An administrator's."""
    root = making.person("root")
    root.is_staff = root.is_superuser = True
    root.save()
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(root)
    return client


@pytest.fixture
def waiting() -> str:
    ada: Any = making.person("ada")
    voice_id = making.usable(ada, "Ada's voice")
    services.share(voice_id, actor=ada)
    return voice_id


@pytest.mark.parametrize(("deed", "to_the_owner"), [("reject", True), ("revoke", True), ("approve", False)])
def test_who_decides_about_a_voice_is_told_whether_its_owner_reads_the_note(
    client: Client, waiting: str, deed: str, to_the_owner: bool
) -> None:
    asked = client.get(f"/admin/voices/voice/{waiting}/do/{deed}/").content.decode()
    assert (FOR_THE_OWNER in asked) is to_the_owner
    assert FOR_MODERATORS not in asked
    assert "with the conversation" not in asked


def test_no_reason_is_there_by_itself(client: Client, waiting: str) -> None:
    """What stands in the record as the reason was chosen by somebody."""
    page = f"/admin/voices/voice/{waiting}/do/reject/"
    asked = client.get(page).content.decode()
    assert '<option value="" selected>Choose a reason</option>' in asked
    assert "required" in asked.partition("<select")[2].partition(">")[0]
    again = client.post(page, {"confirmed": "yes", "reason": ""})
    assert again.status_code == 200
    assert "This field is required." in again.content.decode()
    assert Voice.objects.get(pk=waiting).state == State.WAITING


def test_a_note_about_a_person_stays_among_moderators(client: Client) -> None:
    bob: Any = making.person("bob")
    asked = client.get(f"/admin/avatar_project/user/{bob.pk}/do/block/").content.decode()
    assert FOR_MODERATORS in asked
    assert "when the person is erased" in asked
