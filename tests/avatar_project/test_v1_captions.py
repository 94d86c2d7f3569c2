"""What was heard becomes lines that can be read at a glance, with the times of their words."""

from avatar_project.openai_api.segments import lines_of, srt, vtt
from inference.types import Segment, Transcript, Word


def heard(*said: str, seconds_each: float = 0.5, start_s: float = 0.0, words: bool = True) -> Transcript:
    times = [start_s + number * seconds_each for number in range(len(said) + 1)]
    timed = tuple(Word(word, a, b, 0.9) for word, a, b in zip(said, times, times[1:], strict=False))
    segment = Segment(" ".join(said), times[0], times[-1], -0.2, 0.01, len(said))
    return Transcript(segment.text, "en", times[-1], words=timed if words else (), segments=(segment,))


def test_each_sentence_is_a_line_with_its_own_times() -> None:
    lines = lines_of(heard("It", "rains.", "Will", "it", "stop?"))
    assert [(line.text, line.start_s, line.end_s) for line in lines] == [
        ("It rains.", 0.0, 1.0),
        ("Will it stop?", 1.0, 2.5),
    ]


def test_without_words_the_segments_stay() -> None:
    lines = lines_of(heard("It", "rains.", "It", "stops.", words=False))
    assert [(line.text, line.end_s) for line in lines] == [("It rains. It stops.", 2.0)]


def test_a_long_sentence_is_cut_where_it_is_full() -> None:
    lines = lines_of(heard(*(["umbrella"] * 40), seconds_each=0.1))
    assert len(lines) > 3
    assert all(len(line.text) <= 90 for line in lines)
    slow = lines_of(heard(*(["slow"] * 20), seconds_each=1.0))
    assert all(line.end_s - line.start_s <= 7.0 for line in slow)
    assert " ".join(line.text for line in slow) == " ".join(["slow"] * 20)


def test_chinese_is_written_without_spaces() -> None:
    lines = lines_of(heard("今天", "天氣", "很好。", "明天", "呢？"))
    assert [line.text for line in lines] == ["今天天氣很好。", "明天呢？"]


def test_subrip_counts_and_webvtt_escapes() -> None:
    told = heard("Is", "1<2?", "Yes.", start_s=3661.25)
    assert srt(told) == ("1\n01:01:01,250 --> 01:01:02,250\nIs 1<2?\n\n2\n01:01:02,250 --> 01:01:02,750\nYes.\n")
    assert vtt(told).startswith("WEBVTT\n\n01:01:01.250 --> 01:01:02.250\nIs 1&lt;2?\n")


def test_nothing_heard_is_an_empty_file() -> None:
    silent = Transcript("", "en", 2.0)
    assert srt(silent) == ""
    assert vtt(silent) == "WEBVTT\n"
