"""Guessing passwords becomes slow; whoever knows theirs is not kept waiting by a stranger elsewhere."""

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from avatar_project.layers import caches
from avatar_project.models import User
from avatar_project.sign_in import FIRST_WAIT_S, FREE, LONGEST_WAIT_S, Brake
from tests.server import free_port

pytestmark = pytest.mark.django_db(transaction=True)
RIGHT = "a long enough password"


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    cache.clear()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [time.time()]
    monkeypatch.setattr("avatar_project.sign_in.time.time", lambda: now[0])
    return now


def attempt(password: str, *, name: str = "ana", address: str = "127.0.0.1", path: str = "/accounts/login/") -> Any:
    browser = Client(SERVER_NAME="127.0.0.1", HTTP_HOST="127.0.0.1:8000", REMOTE_ADDR=address)
    return browser.post(path, {"username": name, "password": password})


@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/"])
def test_after_a_few_wrong_passwords_even_the_right_one_has_to_wait(path: str, clock: list[float]) -> None:
    User.objects.create_superuser("ana", password=RIGHT)
    for _ in range(FREE):
        assert b"Too many" not in attempt("wrong", path=path).content
    refused = attempt(RIGHT, path=path)
    assert refused.status_code == 200
    assert b"Too many wrong passwords" in refused.content
    clock[0] += FIRST_WAIT_S + 1
    assert attempt(RIGHT, path=path).status_code == 302


@pytest.mark.usefixtures("clock")
def test_the_wait_grows_and_has_an_end() -> None:
    brake, waits = Brake("ana", "192.0.2.1"), []
    for _ in range(FREE + 8):
        brake.failed()
        waits.append(brake.wait_s())
    assert waits[: FREE - 1] == [0] * (FREE - 1)
    assert waits[FREE - 1 : FREE + 2] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S]
    assert waits[-1] == LONGEST_WAIT_S


def test_a_stranger_elsewhere_keeps_nobody_out() -> None:
    User.objects.create_user("ana", password=RIGHT)
    for _ in range(FREE + 2):
        attempt("wrong", address="192.0.2.1")
    assert attempt(RIGHT, address="192.0.2.2").status_code == 302


def test_capitals_in_a_name_are_no_way_around() -> None:
    for index in range(FREE):
        attempt("wrong", name="ANA" if index % 2 else "ana")
    assert b"Too many" in attempt("wrong").content


def test_the_right_password_clears_the_count() -> None:
    User.objects.create_user("ana", password=RIGHT)
    for _ in range(3):
        for _ in range(FREE - 1):
            attempt("wrong")
        assert attempt(RIGHT).status_code == 302


def test_no_name_and_no_password_is_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []
    monkeypatch.setattr("avatar_project.sign_in.cache.set", lambda *args: kept.append(args))
    Brake("ana", "192.0.2.1").failed()
    assert "ana" not in repr(kept)
    assert "192.0.2.1" not in repr(kept)


def test_without_its_redis_people_still_sign_in(settings: Settings) -> None:
    settings.CACHES = caches(f"redis://127.0.0.1:{free_port()}/0")
    User.objects.create_user("ana", password=RIGHT)
    assert attempt("wrong").status_code == 200
    assert attempt(RIGHT).status_code == 302
