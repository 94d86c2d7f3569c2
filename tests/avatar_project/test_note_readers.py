"""Where the admin asks for a note, it says who will read it."""

from typing import Any

import pytest
from django.test import Client

from tests.voices import making
from voices import services

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


def test_a_note_about_a_person_stays_among_moderators(client: Client) -> None:
    bob: Any = making.person("bob")
    asked = client.get(f"/admin/avatar_project/user/{bob.pk}/do/block/").content.decode()
    assert FOR_MODERATORS in asked
    assert "when the person is erased" in asked
