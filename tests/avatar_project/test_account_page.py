"""A person's own page, and erasing oneself with everything on it."""

import re

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from avatar_project.models import ApiKey, User
from conversations.models import Conversation
from tests.conversations.conversing import talked
from tests.conversations.erasing import SECRET

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough password"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password=PASSWORD)


@pytest.fixture
def page(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def test_it_says_who_one_is_and_what_there_is(page: Client, ada: User) -> None:
    async_to_sync(talked)(str(ada.pk), *SECRET)
    shown = page.get("/account/").content.decode()
    assert "<strong>ada</strong>" in shown
    assert "(1)" in shown


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_languages_of_the_page_are_named_in_their_own_words(page: Client, language: str) -> None:
    """Whoever has to change it cannot read the one that is there."""
    shown = page.get("/account/", headers={"Accept-Language": language}).content.decode()
    for code, name in (("en", "English"), ("zh-hant", "繁體中文")):
        assert re.search(f'<option value="{code}" lang="{code}"(?: selected)?>{name}</option>', shown)


def test_with_the_password_everything_goes(page: Client, ada: User) -> None:
    async_to_sync(talked)(str(ada.pk), *SECRET)
    ApiKey.objects.create(owner=ada, name="k", prefix="avatar_x", digest="0" * 64)
    answer = page.post("/account/erase", {"sure": "yes", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account/erased")
    ada.refresh_from_db()
    assert (ada.is_active, ada.username) == (False, f"erased-{ada.id.hex}")
    assert Conversation.objects.get().erased_at is not None
    assert not ApiKey.objects.exists()
    assert page.get("/account/erased").status_code == 200
    assert page.get("/account/").status_code == 302


@pytest.mark.parametrize("form", [{"sure": "yes"}, {"sure": "yes", "password": "wrong"}, {"password": PASSWORD}, {}])
def test_without_it_nothing_goes(page: Client, ada: User, form: dict[str, str]) -> None:
    conversation = async_to_sync(talked)(str(ada.pk), *SECRET)
    answer = page.post("/account/erase", form)
    assert answer.status_code == 400
    ada.refresh_from_db()
    assert ada.is_active
    assert Conversation.objects.get(id=conversation.id).erased_at is None


def test_guessing_the_password_here_is_braked_too(page: Client, ada: User) -> None:
    for _ in range(5):
        page.post("/account/erase", {"sure": "yes", "password": "wrong"})
    answer = page.post("/account/erase", {"sure": "yes", "password": PASSWORD})
    assert answer.status_code == 400
    ada.refresh_from_db()
    assert ada.is_active


def test_a_guest_needs_no_password() -> None:
    client = Client(SERVER_NAME="127.0.0.1", HTTP_HOST="127.0.0.1:8000")
    client.get("/account/")
    guest = User.objects.get(is_guest=True)
    conversation = async_to_sync(talked)(str(guest.pk), *SECRET)
    assert client.post("/account/erase", {"sure": "yes"}).status_code == 302
    assert Conversation.objects.get(id=conversation.id).erased_at is not None


def test_the_last_administrator_is_told_so(client: Client) -> None:
    chief = User.objects.create_superuser("chief", password=PASSWORD)
    client.force_login(chief)
    answer = client.post("/account/erase", {"sure": "yes", "password": PASSWORD})
    assert answer.status_code == 400
    assert "last administrator" in answer.content.decode()


def test_only_what_is_ones_own_goes(page: Client) -> None:
    bob = User.objects.create_user("bob")
    his = async_to_sync(talked)(str(bob.pk), *SECRET)
    page.post("/account/erase", {"sure": "yes", "password": PASSWORD})
    assert Conversation.objects.get(id=his.id).erased_at is None
    bob.refresh_from_db()
    assert bob.is_active
