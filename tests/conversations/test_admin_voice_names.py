"""The admin calls people's voices by their names, for who may see voices, and nobody's by a raw id."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from avatar_project.models import User
from conversations.models import Conversation, Session, Turn
from tests.conversations.moderating import person
from tests.voices import making
from voices import services

pytestmark = pytest.mark.django_db(transaction=True)
PAGES = ("conversation", "turn", "recording", "session")
GONE, OWN = "0198a000-0000-7000-8000-00000000dead", "self"


def talked(owner: User, *voices: str) -> list[str]:
    """A conversation in each of ``voices``, as the projections write it; their ids."""
    now, ids = timezone.now(), [uuid4() for _ in voices]
    for identifier, voice in zip(ids, voices, strict=True):
        at = {"started_at": now, "updated_at": now}
        talk = Conversation.objects.create(id=identifier, owner=owner, voice=voice, sequence=1, turn_count=1, **at)
        Turn.objects.create(
            conversation=talk,
            turn_id=f"t-{identifier}",
            number=1,
            started_at=now,
            status="completed",
            user_audio_id="a" * 32,
            voice=voice,
            cloned=voice != "heart",
        )
        Session.objects.create(
            session_id=f"s-{identifier}", conversation=talk, opened_at=now, closed_at=now, voice=voice
        )
    return [str(identifier) for identifier in ids]


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def ada() -> User:
    return person("ada")


def signed_in(role: str = "", *permissions: str) -> Client:
    client = Client()
    client.force_login(person("mia", *permissions, role=role, is_staff=True))
    return client


def test_lists_filters_and_the_page_of_a_conversation_say_names(ada: User) -> None:
    voice = making.usable(ada, "The lighthouse keeper")
    (talk, *_) = talked(ada, voice, "heart", OWN, GONE)
    client = signed_in("moderator")
    for page in PAGES:
        html = shown(client, f"/admin/conversations/{page}/")
        assert html.count("The lighthouse keeper") == 2, f"{page}: in the column and in the filter"
        assert ">heart" in html
        assert "the person&#x27;s own voice" in html
        assert "a voice that is gone …0000dead" in html
        assert f">{voice}" not in html
        chosen = shown(client, f"/admin/conversations/{page}/?voice={voice}")
        assert chosen.count('name="_selected_action"') <= 1
        assert "…0000dead</td>" not in chosen
    html = shown(client, f"/admin/conversations/conversation/{talk}/change/")
    assert html.count("The lighthouse keeper") >= 3, "the conversation's, its turn's, its session's"
    assert f">{voice}" not in html


def test_a_voice_that_was_deleted_has_no_name_any_more(ada: User) -> None:
    voice = making.usable(ada, "The lighthouse keeper")
    talked(ada, voice)
    services.delete(voice, actor=ada)
    html = shown(signed_in("moderator"), "/admin/conversations/turn/")
    assert "The lighthouse keeper" not in html
    assert f"a voice that is gone …{voice[-8:]}" in html


def test_who_may_not_see_voices_is_told_no_name(ada: User) -> None:
    voice = making.usable(ada, "The lighthouse keeper")
    talked(ada, voice)
    html = shown(signed_in("", "view_turn"), "/admin/conversations/turn/")
    assert "The lighthouse keeper" not in html
    assert f"a person&#x27;s voice …{voice[-8:]}" in html


def test_names_cost_one_query_whatever_the_rows(ada: User) -> None:
    client = signed_in("moderator")
    talked(ada, making.usable(ada, "One"))

    def cost() -> int:
        client.get("/admin/conversations/turn/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/admin/conversations/turn/")
        return len(queries)

    few = cost()
    talked(ada, *(making.usable(ada, f"Voice {number}") for number in range(8)))
    assert cost() == few
