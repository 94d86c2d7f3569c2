"""Whatever goes wrong under /api/ is a problem detail (RFC 9457), and nobody is sent to a page."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from avatar_project.models import User
from conversations.api import conversations as views
from conversations.errors import Invalid, WrongState
from conversations.log.errors import KeyDestroyed, LogBusy

pytestmark = pytest.mark.django_db
LIST = "/api/conversations/"


@pytest.fixture
def client() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_user("ada"))
    return client


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.content)
    assert {"type", "title", "status", "code", "detail"} <= body.keys()
    assert body["status"] == status
    return body


def test_nobody_is_redirected_to_sign_in() -> None:
    answer = Client().get(LIST)
    assert problem(answer, 401)["code"] == "not_authenticated"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_guests_are_not_made_by_the_api() -> None:
    Client().get(LIST)
    assert not User.objects.exists()


def test_unknown_addresses(client: Client) -> None:
    for method in (client.get, client.post, client.put, client.patch, client.delete):
        assert problem(method("/api/nothing/"), 404)["code"] == "not_found"
    problem(client.get("/api/"), 404)


def test_a_forgotten_slash_is_added(client: Client) -> None:
    answer = client.get("/api/conversations?page_size=3")
    assert answer.status_code == 307
    assert answer.headers["Location"] == "/api/conversations/?page_size=3"


def test_a_method_that_is_not_there(client: Client) -> None:
    answer = client.put(LIST)
    problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_a_type_that_is_not_offered(client: Client) -> None:
    problem(client.get(LIST, headers={"accept": "image/png"}), 406)


def test_a_body_of_another_type(client: Client) -> None:
    problem(client.post("/api/keys/", "name=x", content_type="application/x-www-form-urlencoded"), 415)


def test_a_body_that_is_no_json(client: Client) -> None:
    problem(client.post("/api/keys/", "{", content_type="application/json"), 400)


@pytest.mark.parametrize("opening", ["[", '{"name":'])
def test_a_body_that_is_nested_without_end(client: Client, opening: str) -> None:
    body = problem(client.post("/api/keys/", opening * 100_000, content_type="application/json"), 400)
    assert "nested" in body["detail"]


def test_a_body_that_is_too_large(client: Client) -> None:
    large = json.dumps({"name": "x" * 3_000_000})
    assert problem(client.post("/api/keys/", large, content_type="application/json"), 413)["code"] == "too_large"


def test_wrong_fields_are_named(client: Client) -> None:
    asked = {"name": "", "scopes": ["realtime", "everything"]}
    errors = problem(client.post("/api/keys/", asked, content_type="application/json"), 400)["errors"]
    assert {error["field"] for error in errors} == {"name", "scopes.1"}


@pytest.mark.parametrize("path", [LIST, "/api/conversations/search/?q=x&", "/api/statistics/", "/api/voice-profiles/"])
def test_a_parameter_that_is_not_known_is_not_passed_over(client: Client, path: str) -> None:
    between = "" if path.endswith("&") else "?"
    errors = problem(client.get(f"{path}{between}languag=en"), 400)["errors"]
    assert [error["field"] for error in errors] == ["languag"]
    assert client.get(LIST + "?page_size=2&language=en").status_code == 200


def test_a_foreign_host(client: Client) -> None:
    problem(client.get(LIST, headers={"host": "evil.example"}), 400)


def test_too_many_requests(client: Client, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = settings.API_REQUESTS_PER_MINUTE | {"read": 2}
    assert [client.get(LIST).status_code for _ in range(2)] == [200, 200]
    answer = client.get(LIST)
    assert problem(answer, 429)["code"] == "throttled"
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    other = Client()
    other.force_login(User.objects.create_user("eve"))
    assert other.get(LIST).status_code == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ZeroDivisionError(), 500),
        (OperationalError("database is locked"), 503),
        (LogBusy("try again"), 503),
        (KeyDestroyed("gone"), 409),
        (WrongState("too late"), 409),
        (Invalid("no"), 400),
    ],
)
def test_what_fails_inside(client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(views, "summaries", fail)
    answer = client.get(LIST)
    problem(answer, status)
    assert ("Retry-After" in answer.headers) is (status == 503)


def test_nobody_keeps_what_was_said(client: Client) -> None:
    assert client.get(LIST).headers["Cache-Control"] == "no-store"
    assert client.get("/api/nothing/").headers["Cache-Control"] == "no-store"


def test_no_other_site_may_read_it(client: Client) -> None:
    for answer in (
        client.get(LIST, headers={"origin": "https://evil.example"}),
        client.options(LIST, headers={"origin": "https://evil.example", "access-control-request-method": "GET"}),
    ):
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
