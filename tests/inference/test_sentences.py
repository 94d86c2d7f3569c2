"""Splitting an answer into spoken pieces while it streams."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.speech.sentences import MAX_CODE, MAX_UNITS, SentenceSplitter


def stream(text: str, *, language: str = "en", size: int = 3) -> tuple[list[str], list[str]]:
    """Pieces given while the text came, and those given at its end."""
    splitter = SentenceSplitter(language)
    early: list[str] = []
    for start in range(0, len(text), size):
        early += splitter.feed(text[start : start + size])
    return early, splitter.flush()


def pieces(text: str, *, language: str = "en", size: int = 3) -> list[str]:
    early, late = stream(text, language=language, size=size)
    return [piece.strip() for piece in early + late]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith is here. He waits.", ["Dr. Smith is here.", "He waits."]),
        ("Pi is 3.14 or so. Good.", ["Pi is 3.14 or so.", "Good."]),
        ("It is 3.14. Right.", ["It is 3.14.", "Right."]),
        ("Fruit, e.g. apples. Yes.", ["Fruit, e.g. apples.", "Yes."]),
        ("See https://a.b/c.html?d=1.5 now. Done.", ["See https://a.b/c.html?d=1.5 now.", "Done."]),
        ('"Really?" he said. Yes.', ['"Really?" he said.', "Yes."]),
        ("Wait... what? No!", ["Wait... what?", "No!"]),
        ("Yes. I am.", ["Yes.", "I am."]),
        ("At 5 p.m. we eat. Come.", ["At 5 p.m. we eat.", "Come."]),
        ("Wow!!! Great.", ["Wow!!!", "Great."]),
        ("1. First one. 2. is a number", ["1. First one.", "2. is a number"]),
        ("- apples\n- pears\n\nThat is all", ["- apples", "- pears", "That is all"]),
        ("# Title\nText here", ["# Title", "Text here"]),
        ("Run `a. B` now. Then stop.", ["Run `a. B` now.", "Then stop."]),
        ("See [one. Two](http://x.y/z). Ok.", ["See [one. Two](http://x.y/z).", "Ok."]),
        ("Use it:\n```py\na = 1. B\n```\nDone.", ["Use it:", "```py\na = 1. B\n```", "Done."]),
    ],
)
def test_english_sentences(text: str, expected: list[str]) -> None:
    for size in (1, 4, len(text)):
        assert pieces(text, size=size) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好！今天是3.14。真的嗎？！好", ["你好！", "今天是3.14。", "真的嗎？！", "好"]),
        ("他說：「你好。」然後走了。", ["他說：「你好。」", "然後走了。"]),
        ("Dr. Smith 來了。他很好。", ["Dr. Smith 來了。", "他很好。"]),
        ("一、蘋果\n二、香蕉", ["一、蘋果", "二、香蕉"]),
    ],
)
def test_chinese_sentences(text: str, expected: list[str]) -> None:
    for size in (1, len(text)):
        assert pieces(text, language="zh-TW", size=size) == expected


def test_a_sentence_is_given_as_soon_as_the_next_one_begins() -> None:
    splitter = SentenceSplitter("en")
    assert splitter.feed("It is done. ") == []
    assert splitter.feed("W") == ["It is done. "]


def test_a_full_stop_inside_a_number_is_waited_for() -> None:
    splitter = SentenceSplitter("en")
    assert splitter.feed("It costs 3.") == []
    assert splitter.feed("14 dollars.") == []
    assert splitter.flush() == ["It costs 3.14 dollars."]


@pytest.mark.parametrize(
    ("text", "language", "first"),
    [
        ("Well, of course I can help you, my friend, with anything.", "en", "Well, of course I can help you, "),
        ("The old town is quiet and nobody goes there.", "en", None),
        ("The old town by the river is quiet and empty.", "en", "The old town by the river is quiet "),
        ("Yes, it costs 1,000 dollars to me", "en", None),
        ("好的，我很樂意幫忙，讓我看看你的問題", "zh-TW", "好的，我很樂意幫忙，"),
    ],
)
def test_the_first_piece_may_end_at_a_clause(text: str, language: str, first: str | None) -> None:
    early, _ = stream(text, language=language, size=1)
    assert early[:1] == ([first] if first else [])


def test_only_the_first_piece_is_cut_short() -> None:
    assert pieces("Hello there. Well, of course I can help you, my friend, now. Bye.") == [
        "Hello there.",
        "Well, of course I can help you, my friend, now.",
        "Bye.",
    ]


def test_after_flush_the_next_text_starts_afresh() -> None:
    splitter = SentenceSplitter("en")
    assert splitter.feed("One two") == []
    assert splitter.flush() == ["One two"]
    assert splitter.flush() == []
    assert splitter.feed("Well, of course I can, my") == ["Well, of course I can, "]


@pytest.mark.parametrize("text", ["word " * 300, "x" * 2000, "蘋果香蕉" * 200, "蘋果、香蕉，" * 200, "a, b; c " * 300])
def test_run_on_text_is_cut(text: str) -> None:
    assert max(len(piece) for piece in pieces(text)) <= MAX_UNITS
    assert "".join(pieces(text)).replace(" ", "") == text.replace(" ", "")


def test_an_open_code_block_is_held_but_not_for_ever() -> None:
    early, late = stream("```\n" + "a = 1\n" * 4000, size=50)
    assert early == []
    assert len(late) == 1
    early, _ = stream("```\n" + "a = 1\n" * (MAX_CODE // 4), size=500)
    assert len(early[0]) == MAX_CODE


_chunks = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "Dr. ",
                "3.14",
                ". ",
                "。",
                "！",
                "? ",
                "\n",
                "\n\n",
                "- ",
                "1. ",
                "```",
                "`",
                "[a](b)",
                "|",
                ", ",
                "，",
                "e.g. ",
            ]
        ),
        st.sampled_from(
            [
                "Hello ",
                "world",
                " and ",
                "蘋果",
                "「",
                "」",
                '"',
                "…",
                "...",
                "https://a.b/c",
                "😀",
                " ",
                "\t",
                "**",
                "~~~\n",
            ]
        ),
        st.text(max_size=12),
        st.text(alphabet="abc ,.", min_size=100, max_size=400),
    ),
    max_size=30,
)


@given(_chunks, st.sampled_from(["en", "zh-TW", "de", "xx"]))
@settings(max_examples=300, deadline=None)
def test_no_text_is_lost_or_repeated(chunks: list[str], language: str) -> None:
    splitter = SentenceSplitter(language)
    out = [piece for chunk in chunks for piece in splitter.feed(chunk)] + splitter.flush()
    text = "".join(chunks)
    assert "".join(out).rstrip() == text.rstrip()
    assert all(piece.strip() for piece in out)


def test_the_cost_of_a_long_answer_grows_with_its_length_only() -> None:
    sentence = "This is one more sentence, which is neither short nor long. "

    def cost(sentences: int) -> float:
        start = time.thread_time()
        stream(sentence * sentences, size=5)
        return time.thread_time() - start

    costs = [min(cost(n) for _ in range(3)) for n in (40, 80, 160)]
    assert all(later < 4 * earlier for earlier, later in pairwise(costs))
