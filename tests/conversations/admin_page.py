"""The admin's page of a conversation in a moderator's browser: asked for, and its acts confirmed."""

from django.test import Client

from conversations.log.models import Event
from tests.conversations.moderating import ONE

PAGE = f"/admin/conversations/conversation/{ONE}/"


def ask(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def confirm(client: Client, path: str, **fields: str) -> None:
    """Looks at the confirmation, then answers it."""
    before = Event.objects.count()
    assert 'name="confirmed"' in ask(client, path)
    client.post(path, {"reason": "other"})
    assert Event.objects.count() == before, "not done before it is confirmed"
    answer = client.post(path, {"confirmed": "yes", "reason": "other", **fields})
    assert answer.status_code == 302, answer.content.decode()
