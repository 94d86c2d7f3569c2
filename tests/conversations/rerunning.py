"""Conversations held again by scripted engines, and what came of them."""

import asyncio
import io
from typing import Any

from django.core.management import call_command

from conversations import selectors
from conversations.log.verify import verify
from conversations.models import Conversation
from conversations.rerun.engines import PatientEngines
from conversations.rerun.run import Rerun, Told, Wish
from tests.conversations.recorded import Recorded
from tests.fake_engines import FakeEngines


def talk() -> Recorded:
    """Two spoken turns, the first of them interrupted, and a typed one."""
    recorded = Recorded()
    recorded.spoken("t1", "How far is the moon?", "It is far away. Very far.", heard="It is far")
    recorded.spoken("t2", "And the sun?", "Farther still.")
    recorded.typed("t3", "Thank you.", "You are welcome.")
    recorded.close()
    return recorded


def rerun(
    recorded: Recorded,
    engines: FakeEngines,
    *,
    actor_id: str = "",
    fork_id: str = "",
    stop_after: int = 99,
    **wish: Any,
) -> tuple[str, list[Told]]:
    told: list[Told] = []

    def progress(one: Told) -> bool:
        told.append(one)
        return len(told) < stop_after

    async def run() -> str:
        made = Rerun(
            Wish(conversation_id=recorded.id, **wish), PatientEngines(engines), actor_id=actor_id, fork_id=fork_id
        )
        await made.run(await made.prepare(), progress)
        return made.fork_id

    return asyncio.run(run()), told


def turns_of(conversation_id: str) -> tuple[selectors.TurnView, ...]:
    return selectors.view_of(Conversation.objects.get(id=conversation_id)).turns


def said_and_answered(conversation_id: str) -> list[tuple[str, str, str]]:
    return [(turn.user_text, turn.generated_text, turn.heard_text) for turn in turns_of(conversation_id)]


def equal_to_the_log() -> None:
    call_command("rebuild_projections", "--check", stdout=io.StringIO(), stderr=io.StringIO())
    assert verify().breaks == []
