"""Who may erase what: one's own, or with the permission; another's is not there."""

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from conversations.errors import ConversationNotFound, Invalid, NotAllowed, WrongState
from conversations.log.models import Event
from conversations.models import Conversation
from conversations.services import erasure, keeping
from conversations.services.access import Actor
from tests.conversations.conversing import Talked, person, talked

pytestmark = pytest.mark.django_db(transaction=True)


def actor(name: str, *permissions: str, **fields: object) -> Actor:
    user = get_user_model().objects.get(pk=person(name, **fields))
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    found: Actor = get_user_model().objects.get(pk=user.pk)
    return found


@pytest.fixture
def ada() -> Actor:
    return actor("ada")


@pytest.fixture
def hers(ada: Actor) -> Talked:
    return async_to_sync(talked)(str(ada.pk), ("Hello", "Hello"))


def untouched(conversation: Talked) -> bool:
    types = Event.objects.filter(stream=conversation.stream).values_list("type", flat=True)
    return not {"conversation.erased", "turn.redacted", "conversation.keep_changed"} & set(types)


def test_another_persons_conversation_is_not_there(hers: Talked) -> None:
    other = actor("bob")
    with pytest.raises(ConversationNotFound):
        erasure.erase_conversation(hers.id, actor=other, reason="request")
    with pytest.raises(ConversationNotFound):
        erasure.redact_turn(hers.id, "t1", actor=other, reason="request")
    with pytest.raises(ConversationNotFound):
        keeping.choose(hers.id, "nothing", actor=other)
    for nowhere in ("nonsense", "0198a000-0000-7000-8000-000000000001"):
        with pytest.raises(ConversationNotFound):
            erasure.erase_conversation(nowhere, actor=None, reason="request")
    assert untouched(hers)


def test_each_permission_opens_its_own_door_and_no_other(hers: Talked) -> None:
    redactor, eraser = actor("red", "redact_turn"), actor("era", "erase_conversation")
    with pytest.raises(ConversationNotFound):
        erasure.erase_conversation(hers.id, actor=redactor, reason="request")
    with pytest.raises(ConversationNotFound):
        erasure.redact_turn(hers.id, "t1", actor=eraser, reason="request")
    assert untouched(hers)
    erasure.redact_turn(hers.id, "t1", actor=redactor, reason="harmful")
    erasure.erase_conversation(hers.id, actor=eraser, reason="legal")
    facts = Event.objects.filter(stream=hers.stream).order_by("-sequence")[:2]
    assert [(fact.type, str(who.pk) in fact.metadata) for fact, who in zip(facts, (eraser, redactor), strict=True)] == [
        ("conversation.erased", True),
        ("turn.redacted", True),
    ]


def test_a_moderator_does_not_choose_what_is_kept(hers: Talked) -> None:
    moderator = actor("mod", "erase_conversation", "redact_turn", "hide_conversation")
    with pytest.raises(ConversationNotFound):
        keeping.choose(hers.id, "nothing", actor=moderator)


def test_a_reason_is_a_code_that_may_stand_in_the_record(ada: Actor, hers: Talked) -> None:
    with pytest.raises(Invalid):
        erasure.erase_conversation(hers.id, actor=ada, reason="Because she told me about her illness")
    with pytest.raises(Invalid):
        erasure.redact_turn(hers.id, "t1", actor=ada, reason="request", what="words")  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        keeping.choose(hers.id, "everything", actor=ada)  # type: ignore[arg-type]
    assert untouched(hers)


def test_nobody_erases_another_person_without_permission(ada: Actor, hers: Talked) -> None:
    with pytest.raises(NotAllowed):
        erasure.erase_person(ada.pk, actor=actor("bob"), reason="request")
    assert get_user_model().objects.get(pk=ada.pk).is_active
    assert untouched(hers)
    with pytest.raises(NotAllowed):
        erasure.erase_person(ada.pk, actor=actor("con", "erase_conversation"), reason="request")
    assert untouched(hers)
    erasure.erase_person(ada.pk, actor=actor("era", "erase_person"), reason="request")
    assert not get_user_model().objects.get(pk=ada.pk).is_active


def test_the_last_administrator_stays() -> None:
    chief = actor("chief", is_superuser=True)
    with pytest.raises(WrongState):
        erasure.erase_person(chief.pk, actor=chief, reason="request")
    assert get_user_model().objects.get(pk=chief.pk).is_active
    actor("deputy", is_superuser=True)
    erasure.erase_person(chief.pk, actor=chief, reason="request")
    assert not Conversation.objects.filter(owner__pk=chief.pk, erased_at=None).exists()


def test_the_choice_is_the_owners_and_holds_from_then_on(ada: Actor, hers: Talked) -> None:
    keeping.choose(hers.id, "text", actor=ada)
    keeping.choose(hers.id, "text", actor=ada)
    assert Conversation.objects.get(id=hers.id).keep == "text"
    assert Event.objects.filter(stream=hers.stream, type="conversation.keep_changed").count() == 1
    erasure.erase_conversation(hers.id, actor=ada, reason="request")
    with pytest.raises(WrongState):
        keeping.choose(hers.id, "sound", actor=ada)
