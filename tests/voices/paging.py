"""The pages of voices in somebody's browser."""

from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from voices.models import Voice

LIST = "/voice-profiles"


def at(voice_id: object, part: str = "") -> str:
    return f"{LIST}/{voice_id}{part}"


def browser(user: Any, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language})
    client.force_login(user)
    return client


def told(client: Client, response: Any) -> str:
    """The page that a change leads to."""
    assert response.status_code == 302, response.status_code
    return client.get(urlsplit(response["Location"]).path).content.decode()


def state(voice_id: str) -> str:
    return Voice.objects.get(id=voice_id).state
