"""What a client sends may be longer than a column, or hold a NUL: the record takes it on both databases."""

import io

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from conversations.events import ReplyStarted, SessionOpened, UserWrote
from conversations.log.eventlog import event_log
from conversations.models import Session, Turn
from conversations.record import ConversationRecord

pytestmark = pytest.mark.django_db(transaction=True)

ODD = "\0a name\0 " + "that goes on " * 100


@pytest.fixture
def owner_id() -> str:
    return str(get_user_model().objects.create_user(username="owner").pk)


async def test_the_log_has_it_all_and_the_read_models_what_fits(owner_id: str) -> None:
    opened = SessionOpened(session_id="s1", model=ODD, voice=ODD, language=ODD)
    record = await ConversationRecord.open(owner_id=owner_id, session=opened)
    await record.append(
        UserWrote(item_id=ODD, text=ODD), ReplyStarted(response_id="r", model=ODD, voice=ODD), turn_id="t1"
    )
    facts = [place.fact for place in await record.facts_after(0)]
    assert opened in facts
    assert UserWrote(item_id=ODD, text=ODD) in facts

    def look() -> tuple[Session, Turn]:
        call_command("rebuild_projections", "--check", stdout=io.StringIO())
        return Session.objects.get(), Turn.objects.get()

    session, turn = await event_log().read(look)
    assert session.model == ODD.replace("\0", "")[:120]
    assert turn.user_item_id.startswith("a name")
    assert len(turn.chat_model) == 120
