"""The pace of sending, the clock of what was heard, and which words that was."""

import asyncio

import pytest

from conversations.realtime.heard import SpokenAnswer
from conversations.realtime.playback import BYTES_PER_S, FIRST_LEAD_S, FULL_LEAD_S, Pacer, PlaybackClock


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_clock_plays_what_was_sent_without_pause() -> None:
    time = Time()
    clock = PlaybackClock(time)
    assert clock.sent(1.0) == 0.0
    assert clock.sent(0.5) == pytest.approx(1.0)
    time.now += 1.2
    assert clock.heard_s == pytest.approx(1.2)
    assert clock.ahead_s == pytest.approx(0.3)


def test_the_clock_waits_while_there_is_nothing_to_play() -> None:
    time = Time()
    clock = PlaybackClock(time)
    clock.sent(0.5)
    time.now += 2.0
    assert clock.heard_s == pytest.approx(0.5)
    assert clock.sent(0.5) == 0.0
    time.now += 0.25
    assert clock.heard_s == pytest.approx(0.75)


def test_what_a_player_throws_away_is_never_heard() -> None:
    time = Time()
    clock = PlaybackClock(time)
    clock.sent(2.0)
    time.now += 0.5
    clock.flushed()
    time.now += 5.0
    assert clock.heard_s == pytest.approx(0.5)
    assert clock.sent(1.0) == 0.0


async def test_sending_runs_ahead_by_a_bounded_time() -> None:
    time = Time()
    clock = PlaybackClock(time)
    pacer = Pacer(clock)
    sent_s = 0.0
    while True:
        try:
            async with asyncio.timeout(0.01):
                await pacer.turn(BYTES_PER_S // 10)
        except TimeoutError:
            break
        sent_s += 0.1
    assert FIRST_LEAD_S <= sent_s <= FULL_LEAD_S + 0.1


async def test_holding_stops_and_resuming_goes_on() -> None:
    pacer = Pacer(PlaybackClock())
    pacer.hold()
    waiting = asyncio.create_task(pacer.turn(100))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    pacer.resume()
    await asyncio.wait_for(waiting, 1)


def answer() -> SpokenAnswer:
    """Two sentences of one second each, and a third of which half a second was sent."""
    spoken = SpokenAnswer(item_id="i", response_id="r", turn_id="t", recorded=True)
    spoken.offset_s = 0.0
    for text, sent_s in (("One two three. ", 1.0), ("Four five six. ", 1.0), ("Seven eight nine.", 0.5)):
        spoken.begin(text)
        spoken.sent(bytes(int(sent_s * BYTES_PER_S)))
    return spoken


@pytest.mark.parametrize(
    ("audio_ms", "text"),
    [
        (0, ""),
        (400, "One"),
        (700, "One two"),
        (1000, "One two three."),
        (1999, "One two three. Four five"),
        (2000, "One two three. Four five six."),
        (2500, "One two three. Four five six. Seven eight nine."),
    ],
)
def test_the_words_heard_follow_the_sound(audio_ms: int, text: str) -> None:
    assert answer().text_until(audio_ms) == text


def test_a_sentence_cut_in_the_middle_was_not_heard_to_its_end() -> None:
    spoken = answer()
    spoken.cut(BYTES_PER_S // 2)
    assert spoken.text_until(spoken.sent_ms) == "One two three. Four five six. Seven"
    assert not spoken.whole


def test_more_than_was_sent_is_never_heard() -> None:
    spoken = answer()
    assert spoken.heard_ms(1000.0) == 2500
    assert spoken.heard_ms(-1.0) == 0
    assert len(spoken.sound_until(99_000)) == spoken.sent_ms * 48


def test_chinese_is_cut_by_characters() -> None:
    spoken = SpokenAnswer(item_id="i", response_id="r", turn_id="t", recorded=True)
    spoken.begin("今天天氣很好。")
    spoken.sent(bytes(7 * BYTES_PER_S))
    assert spoken.text_until(3000) == "今天天"


def test_words_without_sound_count_with_the_sentence_before_them() -> None:
    spoken = SpokenAnswer(item_id="i", response_id="r", turn_id="t", recorded=True)
    spoken.begin("Look: ")
    spoken.sent(bytes(BYTES_PER_S))
    spoken.begin("```code```")
    spoken.begin("Done.")
    spoken.sent(bytes(BYTES_PER_S))
    assert spoken.text_until(500) == ""
    assert spoken.text_until(1000) == "Look: ```code```"
    assert spoken.text_until(2000) == "Look: ```code```Done."


def test_forgotten_sound_leaves_the_words() -> None:
    spoken = answer()
    spoken.forget_sound()
    assert spoken.sound_until(2500) == b""
    assert spoken.text_until(1000) == "One two three."
    assert spoken.sent_ms == 2500
