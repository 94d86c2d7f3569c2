"""What an operator of several web processes is told."""

import io

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from conversations.models import Presence
from tests.server import free_port

pytestmark = pytest.mark.django_db(transaction=True)


def said(**options: object) -> str:
    told = io.StringIO()
    call_command("check", stderr=told, **options)
    return told.getvalue()


def test_two_processes_without_redis_are_noticed(settings: Settings) -> None:
    settings.REDIS_URL = ""
    for number, process in enumerate(("one", "one", "two")):
        assert "avatar.W004" not in said(databases=["default"])
        Presence.objects.create(session_id=f"sess_{number}", process=process, seen_at=timezone.now())
    assert "avatar.W004" in said(databases=["default"])
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert "avatar.W004" not in said(databases=["default"])


def test_a_redis_that_does_not_answer_is_noticed_and_its_address_kept_quiet(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://:secret@127.0.0.1:{free_port()}/0"
    told = said(deploy=True)
    assert "avatar.W003" in told
    assert "secret" not in told
