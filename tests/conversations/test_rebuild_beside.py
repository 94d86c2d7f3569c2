"""The read models are remade beside the living: who talks meanwhile is not held up, and all ends equal to the log."""

import io
import threading
import time

import pytest
from django.core.management import call_command
from django.db import connection

from conversations.events import UserWrote
from conversations.log.eventlog import event_log
from conversations.log.types import Metadata
from conversations.log.verify import verify
from conversations.models import Turn
from conversations.record import new_event
from conversations.streams import stream_of
from tests.conversations.fill import fill

pytestmark = pytest.mark.django_db(transaction=True)


def _append(conversation_id: str, turn_id: str) -> float:
    """Seconds that it took."""
    event = new_event(UserWrote(item_id=turn_id, text="Meanwhile."), Metadata(correlation=turn_id))
    begun = time.monotonic()
    event_log().append_now(stream_of(conversation_id), None, [event])
    return time.monotonic() - begun


def test_people_talk_on_while_everything_is_remade() -> None:
    filled = fill(conversations=80, turns=3)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE conversations_turn SET status = 'failed', response_id = 'other'")
        cursor.execute("DELETE FROM conversations_session")
        cursor.execute("UPDATE conversations_conversation SET error_count = 99")
    over = threading.Event()
    took: list[float] = []

    def talk() -> None:
        while not over.is_set():
            for conversation_id in filled.conversation_ids:
                took.append(_append(conversation_id, f"turn_{len(took)}"))

    talking = threading.Thread(target=talk)
    talking.start()
    try:
        call_command("rebuild_projections", stdout=io.StringIO(), stderr=io.StringIO())
    finally:
        over.set()
        talking.join()

    call_command("rebuild_projections", "--check", stdout=io.StringIO(), stderr=io.StringIO())
    assert Turn.objects.count() == 80 * 3 + len(took), "what was said meanwhile is there, in turns of their own"
    assert verify().breaks == []
    assert len(took) > 10
    assert max(took) < 5, "nobody waited for the whole of it"
