"""Forks: a copy with keys and sounds of its own, so that neither is touched when the other is erased."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model

from avatar_project.models import User
from conversations import search
from conversations.errors import ConversationNotFound, Invalid, WrongState
from conversations.events import ItemDeleted, KeepChanged, ReplyVoiced, UserWrote
from conversations.log.audio import AudioStore
from conversations.log.errors import LogError
from conversations.log.keys import KeyRing
from conversations.log.models import Event
from conversations.log.types import NewEvent
from conversations.log.verify import verify
from conversations.models import Conversation, Turn
from conversations.projections.rebuild import differences
from conversations.reading.lines import earlier_lines
from conversations.selectors import read_conversation
from conversations.services import burial, erasure, forks, titles
from conversations.services.copying import Copy
from conversations.streams import stream_of
from inference.audio.opus import encode_opus
from tests.conversations.talks import Said, Talk

pytestmark = pytest.mark.django_db(transaction=True)
SOUND = encode_opus(b"\x00\x10" * 4800)


@pytest.fixture
def owner() -> User:
    return get_user_model().objects.create_user(username="owner")


@pytest.fixture
def talk(owner: User) -> Talk:
    return Talk(str(owner.pk), sound=SOUND).say(
        Said("First question?", "First answer."),
        Said("Second question?", "Second answer, a long one.", heard="Second"),
        Said("Third question?", "Third answer."),
    )


def words(owner: User, conversation_id: str) -> list[tuple[str, str, str]]:
    turns = read_conversation(str(owner.pk), conversation_id).turns
    return [(turn.user_text, turn.generated_text, turn.heard_text) for turn in turns]


def sounds(conversation_id: str) -> list[bytes]:
    """Every sound that a turn names, opened with the conversation's own keys."""
    ring, store = KeyRing.load(stream_of(conversation_id)), AudioStore(settings.DATA_DIR / "audio")
    turns = Turn.objects.filter(conversation__id=conversation_id).order_by("number")
    ids = [audio for turn in turns for audio in (turn.user_audio_id, turn.reply_audio_id) if audio]
    return [store.open(audio_id, ring.find).read() for audio_id in ids]


def test_a_fork_goes_on_from_a_turn(owner: User, talk: Talk) -> None:
    forked = forks.fork(talk.id, actor=owner, at_turn=talk.turn_ids[1])
    assert words(owner, forked) == words(owner, talk.id)[:2]
    assert sounds(forked) == [SOUND] * 4
    row = Conversation.objects.get(id=forked)
    assert (str(row.forked_from), row.forked_at) == (talk.id, talk.turn_ids[1])
    assert (row.voice, row.language, row.turn_count, row.owner_id) == ("hibari-en", "en", 2, owner.pk)
    assert [line.text for line in earlier_lines(row).lines] == [
        "First question?",
        "First answer.",
        "Second question?",
        "Second",
    ]


def test_a_copied_answer_is_known_as_the_cloned_voice_that_it_is(owner: User, talk: Talk) -> None:
    made = ReplyVoiced(response_id="r1", item_id="a1", index=0, engine="f5", cloned=True, asked="somebody's voice")
    talk.record(talk.turn_ids[0], made)
    forked = forks.fork(talk.id, actor=owner)
    for conversation_id in (talk.id, forked):
        turns = Turn.objects.filter(conversation__id=conversation_id).order_by("number")
        assert [turn.cloned for turn in turns] == [True, False, False]
        assert turns[0].voice == "somebody's voice"
    assert differences(stream_of(forked)) == []


def test_without_a_turn_all_of_it_is_taken(owner: User, talk: Talk) -> None:
    titles.rename(talk.id, "Lighthouses", actor=owner)
    forked = forks.fork(talk.id, actor=owner)
    assert words(owner, forked) == words(owner, talk.id)
    assert {hit.conversation.conversation_id for hit in search.find(str(owner.pk), "lighthouses").hits} == {
        talk.id,
        forked,
    }


def test_the_log_stays_in_order_and_the_read_models_equal_it(owner: User, talk: Talk) -> None:
    forked = forks.fork(talk.id, actor=owner)
    assert verify().breaks == []
    assert differences(stream_of(forked)) == []
    copied = Event.objects.filter(stream=stream_of(forked)).values_list("metadata", flat=True)
    assert sum("causation" in metadata for metadata in copied) > 10


@pytest.mark.parametrize("which", ["first", "fork"])
def test_erasing_one_leaves_the_other_as_it_was(owner: User, talk: Talk, which: str) -> None:
    forked = forks.fork(talk.id, actor=owner)
    erased, kept = (talk.id, forked) if which == "first" else (forked, talk.id)
    before = words(owner, kept)
    erasure.erase_conversation(erased, actor=owner, reason="request")
    assert words(owner, kept) == before
    assert sounds(kept) == [SOUND] * 6
    assert [hit.conversation.conversation_id for hit in search.find(str(owner.pk), "third").hits] == [kept]


def test_what_was_redacted_is_left_out(owner: User, talk: Talk) -> None:
    erasure.redact_turn(talk.id, talk.turn_ids[0], actor=owner, reason="request")
    erasure.redact_turn(talk.id, talk.turn_ids[1], actor=owner, reason="request", what="sound")
    forked = forks.fork(talk.id, actor=owner)
    assert [user for user, _generated, _heard in words(owner, forked)] == ["Second question?", "Third question?"]
    assert sounds(forked) == [SOUND] * 2


def test_what_the_client_deleted_stays_deleted(owner: User, talk: Talk) -> None:
    talk.record(talk.turn_ids[0], ItemDeleted(item_id="u1"))
    forked = Conversation.objects.get(id=forks.fork(talk.id, actor=owner))
    assert [line.id for line in earlier_lines(forked).lines] == ["a1", "u2", "a2", "u3", "a3"]


def test_what_is_kept_of_each_turn_is_taken_over(owner: User) -> None:
    talk = Talk(str(owner.pk), keep="text").say("One.")
    talk.record("", KeepChanged(keep="sound"))
    talk.say("Two.")
    talk.record("", KeepChanged(keep="text"))
    forked = forks.fork(talk.id, actor=owner)
    assert list(Turn.objects.filter(conversation__id=forked).values_list("keep", flat=True)) == ["text", "sound"]
    assert Conversation.objects.get(id=forked).keep == "text"


def test_a_fork_goes_on_by_itself(owner: User, talk: Talk) -> None:
    forked = forks.fork(talk.id, actor=owner, at_turn=talk.turn_ids[0])
    more = Talk.__new__(Talk)
    more.owner_id, more.id = str(owner.pk), forked
    more.record("turn-new", UserWrote(item_id="u9", text="Another way."))
    assert [user for user, *_ in words(owner, forked)] == ["First question?", "Another way."]
    assert len(words(owner, talk.id)) == 3


def test_who_and_what_is_refused(owner: User, talk: Talk) -> None:
    with pytest.raises(ConversationNotFound):
        forks.fork(talk.id, actor=get_user_model().objects.create_user(username="other"))
    with pytest.raises(Invalid):
        forks.fork(talk.id, actor=owner, at_turn="no-such-turn")
    erasure.erase_conversation(talk.id, actor=owner, reason="request")
    with pytest.raises(WrongState):
        forks.fork(talk.id, actor=owner)
    assert Conversation.objects.count() == 1


def test_a_copy_that_fails_leaves_nothing_to_read(owner: User, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def fails(self: Copy, audio_id: str, turn_id: str) -> str:
        calls.append(audio_id)
        if len(calls) > 3:
            raise LogError("The disk is full.")
        return genuine(self, audio_id, turn_id)

    genuine = Copy._copy_sound
    monkeypatch.setattr(Copy, "_copy_sound", fails)
    before = set((settings.DATA_DIR / "audio").rglob("*"))
    with pytest.raises(LogError):
        forks.fork(talk.id, actor=owner)
    files = {path for path in (settings.DATA_DIR / "audio").rglob("*") if path.is_file()}
    assert files <= before
    (left,) = Conversation.objects.exclude(id=talk.id)
    assert left.erased_at is not None
    assert words(owner, talk.id)[0][0] == "First question?"


@pytest.mark.parametrize("what", ["all", "sound", "erased"])
def test_what_is_taken_away_during_the_copy_is_in_no_copy(
    owner: User, talk: Talk, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    genuine = Copy._append

    def later(self: Copy, events: Sequence[NewEvent]) -> None:
        if what == "erased":
            erasure.erase_conversation(talk.id, actor=owner, reason="request")
        else:
            erasure.redact_turn(talk.id, talk.turn_ids[1], actor=owner, reason="request", what=what)  # type: ignore[arg-type]
        genuine(self, events)

    monkeypatch.setattr(Copy, "_append", later)
    with pytest.raises(WrongState):
        forks.fork(talk.id, actor=owner)
    (left,) = Conversation.objects.exclude(id=talk.id)
    assert left.erased_at is not None
    assert not Turn.objects.filter(conversation=left, sealed_words__isnull=False).exists()


def test_a_copy_that_got_the_turn_before_it_was_redacted_loses_it_too(
    owner: User, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    forked: list[str] = []
    genuine = burial._redact_in

    def later(*given: Any) -> None:
        if not forked:  # the holders of the turn were asked for already
            forked.append("")
            forked[0] = forks.fork(talk.id, actor=owner)
        genuine(*given)

    monkeypatch.setattr(burial, "_redact_in", later)
    erasure.redact_turn(talk.id, talk.turn_ids[1], actor=owner, reason="request")
    assert [user for user, *_ in words(owner, forked[0])][1] == ""
    assert Turn.objects.get(conversation__id=forked[0], turn_id=talk.turn_ids[1]).redacted
