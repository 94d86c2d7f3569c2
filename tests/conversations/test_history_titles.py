"""Titles: given by the owner, sealed under the conversation's key, gone with it."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import translation

from avatar_project.models import User
from conversations.errors import ConversationNotFound, Invalid, WrongState
from conversations.history_tables import Title
from conversations.reading import listing
from conversations.services import erasure, titles
from tests.conversations.log_helpers import stored_bytes
from tests.conversations.talks import Said, Talk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner() -> User:
    return get_user_model().objects.create_user(username="owner")


def shown(owner: User) -> list[str]:
    return [row.title for row in listing.page(str(owner.pk)).rows]


def test_a_conversation_is_called_by_its_first_words_until_it_has_a_title(owner: User) -> None:
    talk = Talk(str(owner.pk)).say("How is the weather tomorrow?")
    assert shown(owner) == ["How is the weather tomorrow?"]
    assert titles.rename(talk.id, "  Weather \n in Taipei ", actor=owner) == "Weather in Taipei"
    assert shown(owner) == ["Weather in Taipei"]
    assert titles.rename(talk.id, " ", actor=owner) == ""
    assert shown(owner) == ["How is the weather tomorrow?"]


def test_first_words_skip_a_cough_and_are_cut_at_a_word(owner: User) -> None:
    long = "Tell me everything that you know about the lighthouses of the northern coast, please."
    Talk(str(owner.pk)).say("", "", long)
    (title,) = shown(owner)
    assert title.endswith("…")
    assert long.startswith(title.removesuffix("…"))
    assert long[len(title) - 1] == " "


def test_without_the_persons_words_the_answer_names_it(owner: User) -> None:
    Talk(str(owner.pk)).say(Said("", "Good morning!"))
    assert shown(owner) == ["Good morning!"]


def test_another_persons_conversation_cannot_be_named(owner: User) -> None:
    talk = Talk(str(owner.pk)).say("Mine.")
    with pytest.raises(ConversationNotFound):
        titles.rename(talk.id, "Yours", actor=get_user_model().objects.create_user(username="other"))


def test_a_title_has_its_length(owner: User) -> None:
    talk = Talk(str(owner.pk)).say("Mine.")
    titles.rename(talk.id, "x" * titles.LONGEST, actor=owner)
    with pytest.raises(Invalid):
        titles.rename(talk.id, "x" * (titles.LONGEST + 1), actor=owner)


def test_a_title_is_sealed_and_dies_with_its_conversation(owner: User) -> None:
    talk = Talk(str(owner.pk)).say("Mine.")
    titles.rename(talk.id, "Zanzibar", actor=owner)
    assert b"Zanzibar" not in stored_bytes()
    erasure.erase_conversation(talk.id, actor=owner, reason="request")
    assert not Title.objects.exists()
    with pytest.raises(WrongState):
        titles.rename(talk.id, "Again", actor=owner)
    assert not Title.objects.exists()


def test_a_refusal_is_told_in_the_readers_language(owner: User, client: Client) -> None:
    talk = Talk(str(owner.pk)).say("Hello.")
    client.force_login(owner)
    form = {"title": "x" * 500}
    page = client.post(f"/history/{talk.id}/title", form, follow=True, headers={"accept-language": "zh-TW"})
    assert "標題最多" in page.content.decode()
    with translation.override("en"), pytest.raises(Invalid, match="this one has 500"):
        titles.rename(talk.id, "x" * 500, actor=owner)
