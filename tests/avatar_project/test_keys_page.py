"""The page where people make and revoke keys, and /api/keys/, where their browser's scripts do."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from avatar_project import api_keys
from avatar_project.models import ApiKey, User

pytestmark = pytest.mark.django_db
KEY = re.compile(r"avatar_[A-Za-z0-9]{10}_[A-Za-z0-9]{43}")
FORM = {"name": "dashboard", "scopes": ["conversations:read", "events:read"], "lasts": "30"}


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def page(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def test_the_new_key_is_shown_once(page: Client, ada: User) -> None:
    answer = page.post("/account/keys", FORM)
    (key,) = KEY.findall(answer.content.decode())
    assert "no-store" in answer.headers["Cache-Control"]
    found = api_keys.find(key)
    assert found is not None
    assert found.scopes == ["conversations:read", "events:read"]
    assert found.expires_at is not None
    assert 29 < (found.expires_at - timezone.now()).days + 1 <= 30
    again = page.get("/account/keys").content.decode()
    assert "dashboard" in again
    assert not KEY.findall(again)


def test_loading_the_page_with_the_new_key_again_makes_no_other(page: Client) -> None:
    form = {**FORM, "form": "abc"}
    assert KEY.findall(page.post("/account/keys", form).content.decode())
    again = page.post("/account/keys", form)
    assert (again.status_code, again.headers["Location"]) == (302, "/account/keys")
    assert ApiKey.objects.count() == 1


def test_a_key_may_last_until_it_is_revoked(page: Client) -> None:
    page.post("/account/keys", FORM | {"lasts": ""})
    key = ApiKey.objects.get()
    assert key.expires_at is None
    assert page.post(f"/account/keys/{key.pk}/revoke").status_code == 302
    key.refresh_from_db()
    assert key.state == "revoked"
    assert "Revoked" in page.get("/account/keys").content.decode()


@pytest.mark.parametrize("wrong", [{"name": " "}, {"scopes": []}, {"scopes": ["all"]}, {"lasts": "9999"}])
def test_what_is_not_right_is_said_and_what_was_typed_stays(page: Client, wrong: dict[str, object]) -> None:
    answer = page.post("/account/keys", FORM | wrong)
    body = answer.content.decode()
    assert answer.status_code == 400
    assert 'role="alert"' in body
    assert ApiKey.objects.count() == 0
    if "name" not in wrong:
        assert 'value="dashboard"' in body


def test_anothers_key_is_not_there(page: Client) -> None:
    other = api_keys.create(User.objects.create_user("eve"), name="hers", scopes=["realtime"], expires_at=None)
    assert "hers" not in page.get("/account/keys").content.decode()
    assert page.post(f"/account/keys/{other.row.pk}/revoke").status_code == 404
    assert page.get(f"/api/keys/{other.row.pk}/").status_code == 404
    assert page.delete(f"/api/keys/{other.row.pk}/").status_code == 404
    assert api_keys.find(other.key) is not None


def test_a_guest_has_no_keys() -> None:
    client = Client()
    client.force_login(User.objects.create(username="guest-1", is_guest=True))
    answer = client.get("/account/keys")
    assert answer.status_code == 403
    assert "Sign in" in answer.content.decode()
    assert client.post("/account/keys", FORM).status_code == 403
    assert client.post("/api/keys/", FORM, content_type="application/json").status_code == 403
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(("language", "word"), [("en", "Make a key"), ("zh-TW", "建立金鑰")])
def test_it_speaks_the_browsers_language(page: Client, language: str, word: str) -> None:
    assert word in page.get("/account/keys", headers={"accept-language": language}).content.decode()


def test_the_api_makes_lists_and_revokes_keys(page: Client) -> None:
    asked = {"name": "a script", "scopes": ["realtime"], "expires_at": "2099-01-01T00:00:00Z"}
    made = page.post("/api/keys/", asked, content_type="application/json")
    assert made.status_code == 201
    assert api_keys.find(made.json()["key"]) is not None
    (listed,) = page.get("/api/keys/").json()["results"]
    assert "key" not in listed
    assert (listed["name"], listed["state"], listed["scopes"]) == ("a script", "active", ["realtime"])
    address = made.headers["Location"]
    assert page.get(address).json()["id"] == listed["id"]
    assert page.delete(address).status_code == 204
    assert page.get(address).json()["state"] == "revoked"


def test_the_api_wants_the_csrf_token_from_browsers(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    answer = client.post("/api/keys/", {"name": "x", "scopes": ["realtime"]}, content_type="application/json")
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]
    assert not ApiKey.objects.exists()


def test_a_key_makes_no_keys(ada: User) -> None:
    key = api_keys.create(ada, name="all", scopes=list(api_keys.SCOPES), expires_at=None).key
    headers = {"authorization": f"Bearer {key}"}
    asked = {"name": "x", "scopes": ["realtime"]}
    assert Client().post("/api/keys/", asked, content_type="application/json", headers=headers).status_code == 403
    assert Client().get("/api/keys/", headers=headers).status_code == 403


def test_administrators_see_and_revoke_everybodys_keys(ada: User) -> None:
    new = api_keys.create(ada, name="a script", scopes=["realtime"], expires_at=None)
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    listed = client.get("/admin/avatar_project/apikey/?q=ada").content.decode()
    assert new.row.prefix in listed
    assert new.key not in listed
    assert client.get("/admin/avatar_project/apikey/add/").status_code == 403
    one = client.get(f"/admin/avatar_project/apikey/{new.row.pk}/change/").content.decode()
    assert new.row.digest not in one
    chosen = {"action": "revoke", "_selected_action": [str(new.row.pk)]}
    asked = client.post("/admin/avatar_project/apikey/", chosen)
    assert "No, go back" in asked.content.decode()
    assert api_keys.find(new.key) is not None
    client.post("/admin/avatar_project/apikey/", {**chosen, "confirmed": "yes"})
    assert api_keys.find(new.key) is None


def test_who_may_only_look_revokes_nothing(ada: User) -> None:
    from django.contrib.auth.models import Permission

    new = api_keys.create(ada, name="a script", scopes=["realtime"], expires_at=None)
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_apikey"))
    client = Client()
    client.force_login(looker)
    assert client.get("/admin/avatar_project/apikey/").status_code == 200
    chosen = {"action": "revoke", "_selected_action": [str(new.row.pk)], "confirmed": "yes"}
    client.post("/admin/avatar_project/apikey/", chosen)
    assert api_keys.find(new.key) is not None


def test_every_scope_can_be_given_and_is_said_in_words(page: Client) -> None:
    shown = page.get("/account/keys", headers={"Accept-Language": "en"}).content.decode()
    for scope in api_keys.SCOPES:
        (words,) = re.findall(rf'value="{scope}"[^>]*> <span>(.*?) <code>{scope}</code>', shown, re.DOTALL)
        assert words.strip() not in {"", scope}
