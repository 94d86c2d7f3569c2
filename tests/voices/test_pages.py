"""The pages of voices: whose voice it is decides what is seen and done, and every refusal is told where it belongs."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.voices import making, speaking
from tests.voices.paging import LIST, at, browser, state, told
from voices import selectors, services
from voices.errors import NotAllowed
from voices.models import State

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_host")]


def test_a_new_voice_leads_to_its_first_step(ada: Any) -> None:
    client = browser(ada)
    response = client.post(f"{LIST}/new", {"name": " My  own ", "language": "zh-TW"})
    (row,) = selectors.own(ada)
    assert response["Location"] == at(row.id)
    assert (row.name, row.language, row.state) == ("My own", "zh-TW", State.DRAFT)
    page = client.get(at(row.id)).content.decode()
    assert 'id="sample" data-done="no" data-now' in page
    assert row.name in client.get(LIST).content.decode()


def test_a_revoked_voice_is_shown_and_offers_nothing_that_would_be_refused(ada: Any, manager: Any) -> None:
    voice_id = making.usable(ada, "Mine")
    offers = [f'action="{at(voice_id)}/{part}"' for part in ("sample", "transcript", "previews", "share")]
    before = browser(ada).get(at(voice_id)).content.decode()
    assert all(offer in before for offer in offers)
    services.revoke(voice_id, actor=manager, reason="abuse", note="Read the rules.")
    page = browser(ada).get(at(voice_id)).content.decode()
    assert not any(offer in page for offer in offers)
    assert "Read the rules." in page
    assert f'src="{at(voice_id)}/sample/sound"' in page, "it is still there to be heard"
    assert f'href="{at(voice_id)}/delete"' in page


@pytest.mark.parametrize("name", ["", "x" * 81])
def test_a_name_that_cannot_be_is_refused_on_the_form(ada: Any, name: str) -> None:
    response = browser(ada).post(f"{LIST}/new", {"name": name, "language": "en"})
    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()
    assert selectors.own(ada) == ()


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("get", ""),
        ("get", "/tries"),
        ("get", "/sample/sound"),
        ("get", "/delete"),
        ("get", "/consent/withdraw"),
        ("post", "/sample"),
        ("post", "/transcript"),
        ("post", "/consent/ask"),
        ("post", "/consent"),
        ("post", "/consent/withdraw"),
        ("post", "/previews"),
        ("post", "/share"),
        ("post", "/unshare"),
        ("post", "/rating"),
        ("post", "/change"),
        ("post", "/delete"),
    ],
)
def test_anothers_voice_is_not_found(ada: Any, method: str, part: str) -> None:
    voice_id = making.usable(ada)
    sent = {
        "transcript": "Other words.",
        "scope": "self",
        "days": "30",
        "score": "5",
        "name": "Taken",
        "challenge": "c",
        "recording": SimpleUploadedFile("a.wav", speaking.wav(making.pcm())),
    }
    stranger = browser(making.person("bob"))
    response = getattr(stranger, method)(at(voice_id, part), sent if method == "post" else {})
    assert response.status_code == 404
    missing = getattr(stranger, method)(at(uuid4(), part), sent if method == "post" else {})
    assert missing.status_code == 404
    assert state(voice_id) == State.USABLE
    assert selectors.own(ada)[0].name == "Ada"


def test_withdrawing_and_deleting_are_asked_first(ada: Any) -> None:
    voice_id = making.usable(ada)
    client = browser(ada)
    assert client.get(at(voice_id, "/consent/withdraw")).status_code == 200
    assert state(voice_id) == State.USABLE
    assert "withdrawn" in told(client, client.post(at(voice_id, "/consent/withdraw")))
    assert state(voice_id) == State.DRAFT
    assert client.get(at(voice_id, "/delete")).status_code == 200
    assert "deleted" in told(client, client.post(at(voice_id, "/delete")))
    assert client.get(at(voice_id)).status_code == 404


def test_a_voice_is_shared_and_taken_back_and_a_rejection_says_why(ada: Any) -> None:
    manager = making.person("mia", "approve_voice")
    voice_id = making.usable(ada)
    client = browser(ada)
    client.post(at(voice_id, "/share"))
    assert state(voice_id) == State.WAITING
    client.post(at(voice_id, "/unshare"))
    assert state(voice_id) == State.USABLE
    client.post(at(voice_id, "/share"))
    services.reject(voice_id, actor=manager, reason="quality", note="There is music in it.")
    page = client.get(at(voice_id)).content.decode()
    assert "The sample is not good enough. There is music in it." in page
    assert "Ask to share it" in page


def test_a_consent_for_oneself_is_not_shared(ada: Any) -> None:
    voice_id = making.usable(ada, scope="self")
    client = browser(ada)
    page = client.get(at(voice_id)).content.decode()
    assert "Ask to share it" not in page
    assert "told refused" in told(client, client.post(at(voice_id, "/share")))
    assert state(voice_id) == State.USABLE


def test_the_page_says_it_in_chinese(ada: Any) -> None:
    voice_id = making.usable(ada)
    page = browser(ada, "zh-hant").get(at(voice_id)).content.decode()
    assert "撤回我的同意" in page
    refused = browser(ada, "zh-hant")
    assert "沒有收到錄音" in told(refused, refused.post(at(voice_id, "/sample")))


def test_a_form_of_another_site_changes_nothing(ada: Any) -> None:
    voice_id = making.usable(ada)
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post(at(voice_id, "/delete")).status_code == 403
    assert state(voice_id) == State.USABLE


def test_a_guest_has_a_voice_for_themselves_alone() -> None:
    guest = get_user_model().objects.create(username="guest-1", is_guest=True)
    voice_id = making.draft(guest)
    making.put_sample(guest, voice_id)
    client = browser(guest)
    page = client.get(at(voice_id)).content.decode()
    assert 'value="shared"' not in page
    making.consent(guest, voice_id)
    assert state(voice_id) == State.USABLE
    page = client.get(at(voice_id)).content.decode()
    assert "Guests cannot share a voice" in page
    assert "Ask to share it" not in page
    assert "Guests cannot share a voice" in told(client, client.post(at(voice_id, "/share")))
    chinese = browser(guest, "zh-TW")
    assert "訪客不能分享聲音" in told(chinese, chinese.post(at(voice_id, "/share")))
    with pytest.raises(NotAllowed):
        services.share(voice_id, actor=guest)
    assert state(voice_id) == State.USABLE
