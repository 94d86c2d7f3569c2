"""A person with a history, and what their browser shows of it."""

import re

import pytest
from django.test import Client

from avatar_project.models import User
from tests.conversations.talks import Said, Talk


def body(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def listed(client: Client, path: str = "/history") -> list[str]:
    """The ids of the conversations on a page of the list."""
    return re.findall(r'row-link" href="/history/([0-9a-f-]{36})"', body(client, path))


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def talk(owner: User) -> Talk:
    return Talk(str(owner.pk)).say(
        Said("How is the weather?", "It is warm. It will rain.", heard="It is warm."),
        Said("天氣怎麼樣？", "很熱。", language="zh"),
    )
