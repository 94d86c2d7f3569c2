"""Keys of programs: shown once, found by their hash, refused once expired or revoked."""

import logging
from datetime import timedelta

import pytest
from channels.testing import WebsocketCommunicator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from avatar_project import api_keys
from avatar_project.doors import Doors
from avatar_project.models import ApiKey, User
from tests.avatar_project.test_doors import HOST, greet

pytestmark = pytest.mark.django_db(transaction=True)
READ = ["conversations:read"]


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="a long enough password")


def make(owner: User, scopes: list[str] = READ, **more: object) -> api_keys.NewKey:
    return api_keys.create(owner, name="a program", scopes=scopes, **{"expires_at": None, **more})  # type: ignore[arg-type]


def asks(key: str) -> int:
    return Client().get("/api/conversations/", headers={"authorization": f"Bearer {key}"}).status_code


def test_the_database_holds_only_a_hash(ada: User) -> None:
    new = make(ada)
    stored = ApiKey.objects.values().get()
    secret = new.key.rpartition("_")[2]
    assert len(secret) == 43
    assert secret not in str(stored)
    assert new.key.startswith(stored["prefix"])


def test_a_valid_key_is_its_owner(ada: User) -> None:
    new = make(ada)
    found = api_keys.find(new.key)
    assert found is not None
    assert found.owner == ada
    assert asks(new.key) == 200


@pytest.mark.parametrize("wrong", ["", "nonsense", "avatar_", "avatar_" + "a" * 10 + "_" + "b" * 43])
def test_what_is_no_key_is_refused(ada: User, wrong: str) -> None:
    make(ada)
    assert api_keys.find(wrong) is None
    assert asks(wrong or "x") == 401


def test_a_key_with_another_secret_is_refused(ada: User) -> None:
    new = make(ada)
    other = new.key[:-1] + ("a" if new.key[-1] != "a" else "b")
    assert asks(other) == 401


def test_expired_revoked_and_blocked_keys_are_refused(ada: User) -> None:
    expired = make(ada, expires_at=timezone.now() + timedelta(hours=1))
    assert asks(expired.key) == 200
    ApiKey.objects.filter(pk=expired.row.pk).update(expires_at=timezone.now())
    assert asks(expired.key) == 401

    revoked = make(ada)
    api_keys.revoke(revoked.row)
    assert asks(revoked.key) == 401

    blocked = make(ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert asks(blocked.key) == 401


def test_a_scope_is_needed(ada: User) -> None:
    new = make(ada, ["events:read"])
    answer = Client().get("/api/conversations/", headers={"authorization": f"Bearer {new.key}"})
    assert answer.status_code == 403
    assert "conversations:read" in answer.json()["detail"]


def test_the_last_use_is_written_once_a_minute(ada: User) -> None:
    new = make(ada)
    asks(new.key)
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    with CaptureQueriesContext(connection) as queries:
        api_keys.find(new.key)
    assert [query for query in queries if query["sql"].startswith("UPDATE")] == []
    ApiKey.objects.update(last_used_at=first - timedelta(seconds=61))
    api_keys.find(new.key)
    assert ApiKey.objects.get().last_used_at >= first  # type: ignore[operator]


@pytest.mark.parametrize(
    ("why", "change"),
    [
        ("name", {"name": "  "}),
        ("name", {"name": "x" * 81}),
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["everything"]}),
        ("past", {"expires_at": timezone.now() - timedelta(seconds=1)}),
    ],
)
def test_what_is_not_right_makes_no_key(ada: User, why: str, change: dict[str, object]) -> None:
    asked: dict[str, object] = {"name": "a program", "scopes": READ, "expires_at": None}
    with pytest.raises(api_keys.KeyRefused) as refused:
        api_keys.create(ada, **asked | change)  # type: ignore[arg-type]
    assert refused.value.why == why
    assert not ApiKey.objects.exists()


def test_there_is_a_most(ada: User) -> None:
    for _ in range(api_keys.KEYS_PER_PERSON):
        make(ada)
    with pytest.raises(api_keys.KeyRefused, match="50 keys"):
        make(ada)
    api_keys.revoke(ApiKey.objects.all()[0])
    make(ada)


async def at_the_door(key: str, *, as_protocol: bool = False, server: str = "127.0.0.1") -> str:
    headers = [HOST] if as_protocol else [HOST, (b"authorization", f"Bearer {key}".encode())]
    protocols = ["realtime", f"openai-insecure-api-key.{key}"] if as_protocol else []
    door = WebsocketCommunicator(Doors(greet), "/v1/realtime", headers=headers, subprotocols=protocols)
    door.scope["server"] = [server, 8000]
    await door.connect()
    name = str(await door.receive_from())
    await door.disconnect()
    return name


@pytest.mark.parametrize("as_protocol", [False, True])
async def test_the_sockets_take_a_key_with_the_scope_realtime(ada: User, as_protocol: bool) -> None:
    from asgiref.sync import sync_to_async

    talks = await sync_to_async(make)(ada, ["realtime"])
    reads = await sync_to_async(make)(ada)
    assert await at_the_door(talks.key, as_protocol=as_protocol) == "ada"
    assert await at_the_door(talks.key, as_protocol=as_protocol, server="192.0.2.7") == "ada"
    assert await at_the_door(reads.key, as_protocol=as_protocol) == "nobody"


async def test_a_string_that_looks_like_our_key_is_never_a_guests(ada: User) -> None:
    assert await at_the_door("avatar_aaaaaaaaaa_" + "b" * 43) == "nobody"
    assert (await at_the_door("sk-anything")).startswith("guest-")


def test_a_key_is_in_no_log_line(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    new = make(ada)
    asks(new.key)
    asks(new.key + "x")
    api_keys.revoke(new.row)
    asks(new.key)
    assert "api_key_created" in caplog.text
    assert new.key.rpartition("_")[2] not in caplog.text
