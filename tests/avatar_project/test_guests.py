"""Guests on the pages: behind a cookie, on this machine only; and what an operator is warned of."""

import io

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from avatar_project.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def here(forwarded: str = "") -> Client:
    """A browser on the server's own machine; ``forwarded``: what a proxy says of who is behind it."""
    return Client(SERVER_NAME="127.0.0.1", HTTP_HOST="127.0.0.1:8000", HTTP_X_FORWARDED_FOR=forwarded)


def test_whoever_opens_the_page_on_this_machine_is_a_guest() -> None:
    browser = here()
    assert browser.get("/chat").status_code == 200
    guest = User.objects.get()
    assert guest.is_guest
    assert not guest.has_usable_password()
    assert not guest.is_staff


def test_one_browser_stays_one_guest_and_another_is_another() -> None:
    browser = here()
    for _ in range(3):
        browser.get("/chat")
    assert User.objects.count() == 1
    here().get("/chat")
    assert User.objects.count() == 2


@pytest.mark.parametrize("server", ["192.0.2.7", "avatar.example"])
def test_nobody_is_a_guest_through_an_address_that_others_reach(server: str, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    answer = Client(SERVER_NAME=server).get("/chat")
    assert (answer.status_code, User.objects.count()) == (302, 0)
    assert answer["Location"].startswith("/accounts/login/")


def test_an_address_that_a_proxy_names_does_not_count(settings: Settings) -> None:
    settings.GUESTS_ADMITTED = False
    answer = here(forwarded="127.0.0.1").get("/chat")
    assert (answer.status_code, User.objects.count()) == (302, 0)


def test_a_visit_to_the_admin_or_to_health_makes_no_guest() -> None:
    assert here().get("/admin/").status_code == 302
    here().get("/health")
    assert User.objects.count() == 0


def test_a_guest_may_not_enter_the_admin() -> None:
    browser = here()
    browser.get("/chat")
    assert browser.get("/admin/").status_code == 302


def test_health_says_that_the_engine_host_is_missing() -> None:
    answer = here().get("/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "starting"
    assert answer.json()["database"] == "ok"
    assert answer.json()["detail"]


def test_a_foreign_host_is_refused() -> None:
    assert Client(SERVER_NAME="127.0.0.1", HTTP_HOST="rebound.example").get("/chat").status_code == 400


@pytest.mark.parametrize(("admitted", "warned"), [(True, True), (False, False)])
def test_a_deployment_is_warned_of_guests(admitted: bool, warned: bool, settings: Settings) -> None:
    settings.GUESTS_ADMITTED = admitted
    said = io.StringIO()
    call_command("check", deploy=True, stderr=said)
    assert ("avatar.W001" in said.getvalue()) is warned


@pytest.mark.parametrize(("https", "warned"), [(False, True), (True, False)])
def test_a_public_name_without_https_is_warned_of(https: bool, warned: bool, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["avatar.example"]
    settings.HTTPS = https
    said = io.StringIO()
    call_command("check", deploy=True, stderr=said)
    assert ("avatar.W002" in said.getvalue()) is warned
