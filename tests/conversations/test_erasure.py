"""Erasing: nothing opens what was said any more, nothing of it is left in the files, and the log stands."""

import functools
import io
import random
import subprocess
import time
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

from conversations import search, selectors
from conversations.errors import Invalid, WrongState
from conversations.events import ConversationHidden, FlagRaised, UserTranscribed
from conversations.keeping import purging, sweeping
from conversations.log import store
from conversations.log.errors import KeyDestroyed
from conversations.log.eventlog import event_log
from conversations.log.models import Key
from conversations.log.verify import verify
from conversations.models import Conversation
from conversations.record import ConversationRecord
from conversations.services import access, burial, erasure, forks, titles
from conversations.services.access import Actor
from tests.conversations.conversing import TONE, Talked, opened, person, say, talked

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = (
    ("Where did I bury the zirconium?", "You buried the zirconium under the quince."),
    ("And the key?", "Quince."),
)
OTHER = (("How tall is the Matterhorn?", "The Matterhorn is 4478 metres tall."),)


@pytest.fixture
def ada() -> Actor:
    return get_user_model().objects.get(pk=person("ada"))


def conversation(owner: Actor, *said: tuple[str, str]) -> Talked:
    return async_to_sync(talked)(str(owner.pk), *said)


def sounds() -> set[str]:
    return {path.name for path in (settings.DATA_DIR / "audio").rglob("*") if path.is_file()}


def stored() -> bytes:
    """Every byte that the installation keeps: database, journals, sounds. On PostgreSQL without its journal."""
    if connection.vendor == "postgresql":
        return _tables()
    name = Path(str(connection.settings_dict["NAME"]))
    files = [*name.parent.glob(name.name + "*"), *(path for path in (settings.DATA_DIR / "audio").rglob("*"))]
    # By another process: to close a file that SQLite has open would drop the locks that this process has on it.
    return subprocess.run(["cat", *filter(Path.is_file, files)], capture_output=True, check=True).stdout


def _tables() -> bytes:
    """The files of all tables and indexes, as they are on disk."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class "
            "WHERE relkind IN ('r', 'i', 't') AND relnamespace != 'pg_catalog'::regnamespace"
        )
        return b"".join(bytes(content) for (content,) in cursor.fetchall())


def in_step() -> None:
    """The chain holds, and the read models are what the log says."""
    assert verify().breaks == []
    call_command("rebuild_projections", check=True)


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


def test_a_redacted_turn_is_gone_and_its_neighbour_stays(ada: Actor) -> None:
    both = conversation(ada, *SECRET)
    of_first, of_second = sweeping.named(both.stream, "t1"), sweeping.named(both.stream, "t2")
    search.catch_up()
    erasure.redact_turn(both.id, "t1", actor=ada, reason="third_party")
    first, second = selectors.read_conversation(str(ada.pk), both.id).turns
    assert (first.turn.redacted, first.user_text, first.heard_text) == (True, "", "")
    assert (second.user_text, second.heard_text) == SECRET[1]
    assert not of_first & sounds()
    assert of_second <= sounds()
    assert not search.find(str(ada.pk), "zirconium").hits
    assert search.find(str(ada.pk), "quince").hits
    erasure.redact_turn(both.id, "t1", actor=ada, reason="third_party")
    in_step()
    with pytest.raises(Invalid):
        erasure.redact_turn(both.id, "t9", actor=ada, reason="third_party")
    erasure.erase_conversation(both.id, actor=ada, reason="request")
    with pytest.raises(WrongState):
        erasure.redact_turn(both.id, "t2", actor=ada, reason="third_party")


def test_the_sound_alone_can_go(ada: Actor) -> None:
    both = conversation(ada, *SECRET)
    of_first = sweeping.named(both.stream, "t1")
    erasure.redact_turn(both.id, "t1", actor=ada, reason="third_party", what="sound")
    first, second = selectors.read_conversation(str(ada.pk), both.id).turns
    assert (first.user_text, first.heard_text) == SECRET[0]
    assert (first.turn.redacted, first.turn.user_audio_id, first.turn.reply_audio_id) == (False, "", "")
    assert second.turn.user_audio_id
    assert not of_first & sounds()
    assert Key.objects.filter(stream=both.stream, turn="t1", wrapped__isnull=True).count() == 1
    in_step()


@pytest.mark.parametrize("what", ["all", "sound"])
def test_a_session_that_speaks_on_is_recorded_without_what_was_redacted(ada: Actor, what: burial.What) -> None:
    """A transcript under way, the moment of what was heard: facts that come late must not end the session."""

    async def speak(record: ConversationRecord) -> None:
        await record.append(UserTranscribed(item_id="u9", text="late zirconium"), turn_id="t1")
        spool = record.spool("t1")
        await spool.add(TONE)
        assert await spool.save() == ""
        await say(record, 2, "Next", "Next answer")

    record = async_to_sync(opened)(str(ada.pk))
    async_to_sync(say)(record, 1, *SECRET[0])
    erasure.redact_turn(record.conversation_id, "t1", actor=ada, reason="third_party", what=what)
    before = sounds()
    async_to_sync(speak)(record)
    first, second = selectors.read_conversation(str(ada.pk), record.conversation_id).turns
    assert ("late zirconium" in first.user_text) == (what == "sound")
    assert (second.user_text, second.heard_text) == ("Next", "Next answer")
    assert len(sounds() - before) == 2
    texts = [item.text for item in async_to_sync(record.history)()]
    assert any("zirconium" in text for text in texts) == (what == "sound")
    in_step()


def test_a_sound_already_on_its_way_is_removed(ada: Actor) -> None:
    """The file was written before the redaction, the fact that names it comes after."""
    from conversations.events import ReplyHeard

    record = async_to_sync(opened)(str(ada.pk))
    async_to_sync(say)(record, 1, *SECRET[0])
    audio_id = async_to_sync(record.save_audio)("t1", TONE)
    erasure.redact_turn(record.conversation_id, "t1", actor=ada, reason="third_party")
    assert audio_id in sounds()
    heard = ReplyHeard(response_id="r9", item_id="a9", text="quince", audio_ms=1, source="text", audio_id=audio_id)
    async_to_sync(record.append)(heard, turn_id="t1")
    assert audio_id not in sounds()
    assert audio_id not in sweeping.named(f"conversation-{record.conversation_id}")
    in_step()


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


def test_what_keys_alone_lost_stays_refused(ada: Actor) -> None:
    """Keys that went without a fact are an accident, and no reason to record on in silence."""
    from conversations.log import keys

    record = async_to_sync(opened)(str(ada.pk))
    async_to_sync(say)(record, 1, *SECRET[0])
    event_log().write_now(functools.partial(keys.destroy, f"conversation-{record.conversation_id}"))
    with pytest.raises(KeyDestroyed):
        async_to_sync(say)(record, 2, *SECRET[1])
    assert Conversation.objects.count() == 1


def test_a_redacted_turn_is_gone_from_forks_too_and_an_erased_conversation_leaves_them(ada: Actor) -> None:
    first = conversation(ada, *SECRET)
    fork = forks.fork(first.id, actor=ada)
    of_fork = forks.fork(fork, actor=ada, at_turn="t1")
    other = conversation(ada, *SECRET)
    erasure.redact_turn(fork, "t1", actor=ada, reason="third_party")
    for one, redacted in ((first.id, True), (fork, True), (of_fork, True), (other.id, False)):
        turns = selectors.read_conversation(str(ada.pk), one).turns
        assert (turns[0].turn.redacted, turns[0].user_text == "") == (redacted, redacted)
    erasure.erase_conversation(first.id, actor=ada, reason="request")
    assert selectors.read_conversation(str(ada.pk), fork).turns[1].user_text == SECRET[1][0]
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
