"""Conversations to search, searching them as a person does, and checking the index against the record."""

import io

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from conversations import search
from conversations.reading.listing import Filters
from tests.conversations.talks import Said, Talk


def found(owner_id: str, query: str, filters: Filters | None = None) -> list[str]:
    """The ids of the conversations that are found, in order."""
    result = search.find(owner_id, query, filters or Filters())
    return [hit.conversation.conversation_id for hit in result.hits]


def index_check() -> list[str]:
    """What ``rebuild_search --check`` says; it fails when, and only when, it says something."""
    err, status = io.StringIO(), 0
    try:
        call_command("rebuild_search", "--check", stdout=io.StringIO(), stderr=err)
    except CommandError as failure:
        status = failure.returncode
    lines = err.getvalue().splitlines()
    assert status == bool(lines)
    return lines


@pytest.fixture
def owner_id() -> str:
    return str(get_user_model().objects.create_user(username="owner").pk)


@pytest.fixture
def weather(owner_id: str) -> Talk:
    return Talk(owner_id).say(
        Said("How is the weather tomorrow?", "It stays dry until noon. Take an umbrella for the evening."),
        Said("And the sea?", "It is calm. There will be storms on Sunday.", heard="It is calm."),
    )


@pytest.fixture
def chinese(owner_id: str) -> Talk:
    return Talk(owner_id, language="zh-TW", voice="kokoro-xiaoxiao").say(
        Said("明天天氣怎麼樣？", "中午以前不會下雨。晚上請帶雨傘。", language="zh")
    )
