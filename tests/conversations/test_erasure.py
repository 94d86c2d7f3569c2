"""Erasing: nothing opens what was said any more, nothing of it is left in the files, and the log stands."""

import io
import random
import time

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

from conversations import search, selectors
from conversations.events import ConversationHidden, FlagRaised, UserTranscribed
from conversations.keeping import purging, sweeping
from conversations.log import store
from conversations.log.models import Key
from conversations.models import Conversation
from conversations.services import access, erasure, forks, titles
from conversations.services.access import Actor
from tests.conversations.conversing import TONE, opened, person, say
from tests.conversations.erasing import OTHER, SECRET, conversation, in_step, sounds, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> Actor:
    return get_user_model().objects.get(pk=person("ada"))


def test_an_erased_conversation_is_gone_and_the_others_stay(ada: Actor) -> None:
    gone, stays = conversation(ada, *SECRET), conversation(ada, *OTHER)
    of_gone, of_stays = sweeping.named(gone.stream), sweeping.named(stays.stream)
    assert len(of_gone) == 4
    titles.rename(gone.id, "Zirconium", actor=ada)
    search.catch_up()
    assert search.find(str(ada.pk), "quince").hits

    erasure.erase_conversation(gone.id, actor=ada, reason="request")

    view = selectors.read_conversation(str(ada.pk), gone.id)
    assert view.conversation.erased_at is not None
    assert all(turn.turn.redacted and not turn.user_text and not turn.heard_text for turn in view.turns)
    assert not of_gone & sounds()
    assert of_stays <= sounds()
    assert [event.redacted for event in store.read_stream(gone.stream) if event.type == UserTranscribed.type] == [
        True
    ] * 2
    assert store.read_stream(gone.stream)[-1].metadata.actor == str(ada.pk)
    search.catch_up()
    assert not search.find(str(ada.pk), "quince").hits
    assert search.find(str(ada.pk), "Matterhorn").hits
    kept = selectors.read_conversation(str(ada.pk), stays.id)
    assert kept.turns[0].heard_text == OTHER[0][1]
    in_step()


def test_no_byte_of_its_keys_is_left_in_any_file(ada: Actor) -> None:
    everything = [conversation(ada, *SECRET), *(conversation(ada, *OTHER) for _ in range(3))]
    gone, *others = everything
    flag = FlagRaised(flag_id="f", reason="other", note="zirconium again")
    access.record(gone.id, flag, actor=ada)
    titles.rename(gone.id, "The zirconium and the quince", actor=ada)
    search.catch_up()
    keys = gone.wrapped_keys()
    assert len(keys) == 6
    assert all(key in stored() for key in keys)

    erasure.erase_conversation(gone.id, actor=ada, reason="request")
    purging.purge()

    left = stored()
    assert [key for key in keys if key in left] == []
    assert all(key in left for other in others for key in other.wrapped_keys())
    for word in (b"zirconium", b"Zirconium", b"quince", b"Quince", b"Matterhorn"):
        assert word not in left
    assert purging.due() is None
    in_step()


def test_many_erasures_leave_no_byte_either(ada: Actor) -> None:
    everything = [conversation(ada, *OTHER) for _ in range(60)]
    chance = random.Random(4711)
    chance.shuffle(everything)
    gone, others = everything[:40], everything[40:]
    keys = [key for each in gone for key in each.wrapped_keys()]
    for each in gone:
        erasure.erase_conversation(each.id, actor=ada, reason="request")
    before = stored()
    print(f"{sum(key in before for key in keys)} of {len(keys)} wrapped keys before VACUUM")
    purging.purge()
    left = stored()
    assert sum(key in left for key in keys) == 0
    assert all(key in left for each in others for key in each.wrapped_keys())


def test_erasing_again_changes_nothing(ada: Actor) -> None:
    gone = conversation(ada, *SECRET)
    erasure.erase_conversation(gone.id, actor=ada, reason="request")
    sequence = store.last_sequence(gone.stream)
    erasure.erase_conversation(gone.id, actor=ada, reason="request")
    assert store.last_sequence(gone.stream) == sequence


def test_a_session_that_outlives_its_conversation_records_no_word(ada: Actor) -> None:
    record = async_to_sync(opened)(str(ada.pk))
    async_to_sync(say)(record, 1, *SECRET[0])
    erasure.erase_conversation(record.conversation_id, actor=ada, reason="request")
    before = sounds()
    async_to_sync(say)(record, 2, *SECRET[1])
    async_to_sync(record.close)("erased")
    assert sounds() == before
    turns = selectors.read_conversation(str(ada.pk), record.conversation_id).turns
    assert [(turn.turn.redacted, turn.user_text) for turn in turns] == [(True, ""), (True, "")]
    assert not Key.objects.filter(stream=f"conversation-{record.conversation_id}", wrapped__isnull=False).exists()
    in_step()


def test_copies_that_the_owner_cannot_reach_go_with_the_conversation(ada: Actor) -> None:
    """A re-run for somebody else's eyes, and a copy that belongs to another."""
    bob = person("bob")
    first = conversation(ada, *SECRET)
    row = Conversation.objects.get(id=first.id)
    others = forks.copy(row, owner_id=bob)
    rerun = forks.copy(row, owner_id=str(ada.pk))
    access.record(rerun, ConversationHidden(hidden=True, reason="rerun"), actor=None)
    hidden = forks.copy(row, owner_id=str(ada.pk))
    access.record(hidden, ConversationHidden(hidden=True, reason="under_review"), actor=None)
    erasure.erase_conversation(first.id, actor=ada, reason="request")
    erased = set(map(str, Conversation.objects.exclude(erased_at=None).values_list("id", flat=True)))
    assert erased == {first.id, others, rerun}
    assert hidden not in erased, "what a moderator holds back is not for its owner to erase"


def test_the_command_says_what_it_did_and_what_it_cannot_do(ada: Actor) -> None:
    gone = conversation(ada, *SECRET)
    erasure.erase_conversation(gone.id, actor=ada, reason="request")
    assert purging.due() is not None
    out = io.StringIO()
    call_command("purge_erased", stdout=out, no_color=True)
    said = out.getvalue()
    assert "0 files of sounds removed" in said
    if connection.vendor == "postgresql":
        assert "log_key rewritten (VACUUM FULL)" in said
        assert "Segments of the write-ahead log that were written before now hold the old rows" in said
        assert "Base backups, dumps and snapshots" in said
    else:
        assert "database rewritten (VACUUM)" in said
        assert "write-ahead log emptied" in said
    assert purging.due() is None


def test_the_background_waits_until_nobody_talks(ada: Actor) -> None:
    gone = conversation(ada, *SECRET)
    assert purging.purge_quietly() == "nothing to purge"
    erasure.erase_conversation(gone.id, actor=ada, reason="request")
    record = async_to_sync(opened)(str(ada.pk))
    assert purging.purge_quietly() == "somebody talks: later"
    async_to_sync(record.close)("client_left")
    assert "rewritten" in purging.purge_quietly()
    assert purging.purge_quietly() == "nothing to purge"


def test_the_sweeper_leaves_what_it_does_not_know(ada: Actor) -> None:
    """An older copy of the database put back: its recordings' keys may come back with the newer one."""
    said = conversation(ada, *OTHER)
    before = sounds()
    later = time.time() + 2 * sweeping.GRACE_S
    unknown = sweeping.sweep(later).unknown
    Key.objects.filter(stream=said.stream).delete()
    assert sweeping.sweep(later) == sweeping.Swept(unknown=unknown + 2)
    assert sounds() >= before


def test_the_sweeper_removes_a_sound_that_no_fact_came_to_name(ada: Actor) -> None:
    record = async_to_sync(opened)(str(ada.pk))
    audio_id = async_to_sync(record.save_audio)("t1", TONE)
    assert sweeping.sweep().unnamed == 0, "the fact may still come"
    assert sweeping.sweep(time.time() + 2 * sweeping.GRACE_S).unnamed == 1
    assert audio_id not in sounds()
