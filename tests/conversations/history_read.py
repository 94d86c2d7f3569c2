"""What a person's browser shows of their history."""

import re

from django.test import Client


def body(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def listed(client: Client, path: str = "/history") -> list[str]:
    """The ids of the conversations on a page of the list."""
    return re.findall(r'row-link" href="/history/([0-9a-f-]{36})"', body(client, path))
