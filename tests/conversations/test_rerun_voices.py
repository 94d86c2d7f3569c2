"""A conversation is run again in a borrowed voice: as far as its owner, and whoever asks for the run, may use it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from conversations.errors import Invalid
from conversations.lending import Profiles
from conversations.log.errors import LogUnavailable
from conversations.models import Turn
from conversations.realtime.borrowing import Borrowed, NotLent
from conversations.rerun.borrowed import BorrowedVoice
from tests.conversations.lenders import MIA, FakeLender
from tests.conversations.recorded import Recorded
from tests.conversations.rerunning import equal_to_the_log, rerun
from tests.fake_engines import FakeEngines
from tests.voices import making
from voices import services
from voices.models import Utterance

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def talked() -> Recorded:
    recorded = Recorded()
    recorded.spoken("t1", "How far is the moon?", "It is far away.", heard="It is far away.")
    recorded.spoken("t2", "And the sun?", "Farther still.")
    recorded.close()
    return recorded


def owner_of(recorded: Recorded) -> Any:
    return get_user_model().objects.get(pk=recorded.owner_id)


def test_the_answers_are_spoken_in_it_and_leave_a_record_of_their_origin(talked: Recorded) -> None:
    voice = making.usable(owner_of(talked))
    engines = FakeEngines(replies=("One.", "Two."))
    fork_id, _ = rerun(talked, engines, actor_id=talked.owner_id, voice=voice)
    assert [reference is not None for reference in engines.references] == [True, True]
    assert [turn.cloned for turn in Turn.objects.filter(conversation_id=fork_id)] == [True, True]
    rows = Utterance.objects.filter(voice=voice)
    assert {(row.conversation_id, row.door, row.closed_at is not None) for row in rows} == {(fork_id, "rerun", True)}
    equal_to_the_log()


def test_another_s_private_voice_is_refused_before_anything_is_made(talked: Recorded) -> None:
    voice = making.usable(making.person("eve"))
    with pytest.raises(Invalid):
        rerun(talked, FakeEngines(), actor_id=talked.owner_id, voice=voice)


def test_who_may_not_use_the_owner_s_voice_does_not_run_it_again_in_it(talked: Recorded) -> None:
    voice = making.usable(owner_of(talked))
    with pytest.raises(Invalid):
        rerun(talked, FakeEngines(), actor_id=str(making.person("mod").pk), voice=voice)


def test_a_voice_that_is_taken_back_meanwhile_leaves_the_rest_to_the_usual_one(
    talked: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = owner_of(talked)
    voice = making.usable(owner)
    lent: list[str] = []
    lend = Profiles.lend

    async def lend_twice(self: Profiles, person_id: str, voice_id: str) -> Any:
        lent.append(voice_id)
        if len(lent) > 2:  # the check beforehand, and the first answer
            raise NotLent("It is taken back.")
        return await lend(self, person_id, voice_id)

    monkeypatch.setattr(Profiles, "lend", lend_twice)
    engines = FakeEngines(replies=("One.", "Two."))
    rerun(talked, engines, voice=voice)
    assert [reference is not None for reference in engines.references] == [True, False]


def test_a_conversation_that_was_spoken_in_a_voice_that_is_gone_is_run_in_the_usual_one(talked: Recorded) -> None:
    owner = owner_of(talked)
    voice = making.usable(owner)
    first, _ = rerun(talked, FakeEngines(), actor_id=talked.owner_id, voice=voice)
    services.delete(voice, actor=owner)
    engines = FakeEngines()
    again = Recorded.__new__(Recorded)
    again.id = first
    rerun(again, engines, actor_id=talked.owner_id)
    assert set(engines.references) == {None}


async def test_a_voice_that_cannot_be_watched_falls_silent() -> None:
    class Unwatched(FakeLender):
        async def stopped(self, person_id: str, voice: Borrowed) -> AsyncGenerator[str, None]:
            if voice.id:
                raise LogUnavailable("The database does not answer.")
            yield ""

    async with BorrowedVoice(MIA, owner_id="ada", actor_id="", lender=Unwatched()).lent() as voice:
        assert voice is not None
        async with asyncio.timeout(2):
            await voice.wait_stopped()
