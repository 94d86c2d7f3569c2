"""The whole conversation as one sound: who is heard when, for how long, from whichever byte it is read."""

import random
import tracemalloc

import msgspec
import numpy as np
import pytest
from django.contrib.auth import get_user_model

from conversations.events import Pause, TurnRedacted
from conversations.replay import mix as mixing
from conversations.replay.line import Piece, Timeline, Utterance
from conversations.replay.mix import Mix, as_heard
from conversations.replay.sounds import sounds_of
from conversations.replay.timeline import timeline
from inference.audio.ogg import pages
from inference.audio.opus import decode_opus
from tests.conversations.replayed import RATE, REPLY_HZ, USER_HZ, Recorded, loudness

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def recorded() -> Recorded:
    """A question, an answer cut off by the next question, and its answer, which had to be waited for."""
    recorded = Recorded(str(get_user_model().objects.create_user(username="owner").pk))
    recorded.user("t1", 0, 1000)
    recorded.reply("t1", 1500, 3000, heard_ms=1500)
    recorded.user("t2", 2700, 1000)
    recorded.reply("t2", 6000, 1000, pauses=(Pause(500, 800),))
    return recorded


def whole(mix: Mix) -> bytes:
    return b"".join(mix.chunks())


def test_both_are_heard_when_they_were_heard(recorded: Recorded) -> None:
    mix = as_heard(recorded.view)
    pcm = decode_opus(whole(mix))
    assert len(pcm) == 7800 * RATE // 1000 * 2  # to the sample
    for start, end, user, reply in [
        (100, 900, True, False),
        (1100, 1400, False, False),
        (1600, 2600, False, True),
        (2750, 2950, True, True),  # the user spoke into the answer
        (3050, 3650, True, False),  # and what was sent of it beyond was not heard
        (3800, 5900, False, False),
        (6050, 6450, False, True),
        (6600, 7200, False, False),  # there was no more of it yet
        (7350, 7750, False, True),
    ]:
        assert (loudness(pcm, USER_HZ, start, end) > 0.5) == user, (start, end)
        assert (loudness(pcm, REPLY_HZ, start, end) > 0.5) == reply, (start, end)
        assert not (user or reply) or np.abs(np.frombuffer(pcm, "<i2")).max() < 20_000


def test_without_pauses_it_is_as_long_as_the_line_says(recorded: Recorded) -> None:
    mix = as_heard(recorded.view, skip_pauses=True)
    pcm = decode_opus(whole(mix))
    assert len(pcm) == mix.timeline.duration_ms * RATE // 1000 * 2
    assert mix.timeline.duration_ms == 7800 - (2300 - 600) - (800 - 600)
    assert loudness(pcm, REPLY_HZ, 4350, 4750) > 0.5


def test_any_range_is_a_part_of_the_same_file(recorded: Recorded) -> None:
    mix = as_heard(recorded.view)
    file = whole(mix)
    assert len(file) == mix.length
    chance = random.Random(7)
    ranges: list[tuple[int, ...]] = [
        (0, 1),
        (0, mix.length),
        (mix.length - 1, mix.length),
        (mix.length, mix.length + 5),
    ]
    ranges += [tuple(sorted(chance.sample(range(mix.length), 2))) for _ in range(12)]
    for start, stop in ranges:
        assert b"".join(as_heard(recorded.view).chunks(start, stop)) == file[start:stop], (start, stop)


def test_its_pages_follow_each_other(recorded: Recorded) -> None:
    found = list(pages(whole(as_heard(recorded.view))))
    assert [page.sequence for page in found] == list(range(len(found)))
    assert [page.flags for page in found] == [2, *[0] * (len(found) - 2), 4]
    granules = [page.granule for page in found]
    assert granules == sorted(granules)


def test_a_redacted_turn_is_silence_and_another_file(recorded: Recorded) -> None:
    before = as_heard(recorded.view)
    recorded.record("", TurnRedacted(turn_id="t1", reason="asked"))
    after = as_heard(recorded.view)
    assert after.etag != before.etag
    assert after.timeline.duration_ms == before.timeline.duration_ms
    pcm = decode_opus(whole(after))
    assert loudness(pcm, USER_HZ, 100, 900) < 0.01
    assert loudness(pcm, REPLY_HZ, 1600, 2600) < 0.01
    assert loudness(pcm, USER_HZ, 3050, 3650) > 0.5


def test_a_sound_whose_file_is_gone_is_silence(recorded: Recorded) -> None:
    view = recorded.view
    for utterance in timeline(view).utterances[:1]:
        sounds_of(recorded.conversation).open(utterance.audio_id).path.unlink()
    pcm = decode_opus(whole(as_heard(view)))
    assert loudness(pcm, USER_HZ, 100, 900) < 0.01
    assert loudness(pcm, REPLY_HZ, 1600, 2600) > 0.5


def test_a_long_conversation_is_never_in_memory_whole(recorded: Recorded) -> None:
    """Ten minutes would be 29 MB of samples; what is held is a page and a few utterances."""
    one = timeline(recorded.view)
    length = one.duration_ms
    rounds = 600_000 // length
    long = Timeline(one.began_at, length * rounds, tuple(_again(one, rounds)), ())
    mix = Mix(long, sounds_of(recorded.conversation))
    tracemalloc.start()
    size = sum(len(piece) for piece in mix.chunks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == mix.length
    assert peak < 4_000_000


def _again(one: Timeline, rounds: int) -> list[Utterance]:
    return [
        msgspec.structs.replace(
            utterance,
            pieces=tuple(
                Piece(piece.start_ms + by, piece.end_ms + by, piece.from_ms)
                for piece in utterance.pieces
                for by in [number * one.duration_ms]
            ),
        )
        for number in range(rounds)
        for utterance in one.utterances
    ]


def test_where_nothing_was_heard_there_is_no_file() -> None:
    owner = str(get_user_model().objects.create_user(username="quiet").pk)
    assert as_heard(Recorded(owner).view).length == 0


def test_the_form_of_the_file_counts_in_its_name(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    before = as_heard(recorded.view).etag
    assert as_heard(recorded.view).etag == before
    monkeypatch.setattr(mixing, "FORM", mixing.FORM + 1)
    assert as_heard(recorded.view).etag != before
