"""Searching as a person does, and checking the index against the record."""

import io

from django.core.management import CommandError, call_command

from conversations import search
from conversations.reading.listing import Filters


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
