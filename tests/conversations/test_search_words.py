"""What search takes for a word, and where a text holds what was looked for: without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.search.terms import excerpt, match, parse
from conversations.search.words import atoms, tokens


def found(query: str, text: str) -> list[str]:
    """The pieces of the text that the query finds."""
    return [text[start:stop] for start, stop in match(parse(query), text)]


@pytest.mark.parametrize(
    ("query", "text", "pieces"),
    [
        ("weather", "How is the weather today?", ["weather"]),
        ("WEATHER", "How is the weather today?", ["weather"]),
        ("umbrellas", "Take an umbrella.", ["umbrella"]),
        ("running", "He runs and ran.", ["runs"]),
        ("cafe", "Das Café öffnet.", ["Café"]),
        ("öffnet", "Das Cafe\u0301 o\u0308ffnet.", ["o\u0308ffnet"]),
        ("don't", "I don’t know.", ["don’t"]),
        ("weather rain", "Rain is weather.", ["Rain", "weather"]),
        ("weather snow", "Rain is weather.", []),
        ("eat", "The weather is great.", []),
        ("1969", "In July 1969 it was.", ["1969"]),
        ('"the weather"', "Is the weather fine?", ["the weather"]),
        ('"weather the"', "Is the weather fine?", []),
        ('"runs"', "He is running.", []),
        ("ｗｅａｔｈｅｒ", "weather", ["weather"]),
        ("ﬁne", "It is fine.", ["fine"]),
        ("straße", "STRASSE", ["STRASSE"]),
    ],
)
def test_words(query: str, text: str, pieces: list[str]) -> None:
    assert found(query, text) == pieces


@pytest.mark.parametrize(
    ("query", "text", "pieces"),
    [
        ("天氣", "明天天氣怎麼樣？", ["天氣"]),
        ("雨傘", "晚上請帶雨傘。", ["雨傘"]),
        ("氣", "明天天氣怎麼樣？", ["氣"]),
        ("天气", "明天天氣怎麼樣？", ["天氣"]),
        ("天氣", "明天天气怎么样？", ["天气"]),
        ("氣天", "明天天氣怎麼樣？", []),
        ("明氣", "明天天氣怎麼樣？", []),
        ("天氣 雨傘", "天氣不好，請帶雨傘。", ["天氣", "雨傘"]),
        ("天氣雨傘", "天氣不好，請帶雨傘。", []),
        ("「帶雨傘」", "請帶雨傘。", ["帶雨傘"]),
        ("iPhone手機", "我的iPhone手機壞了", ["iPhone手機"]),
        ("ひらがな", "これはひらがなです", ["ひらがな"]),
        ("날씨", "오늘 날씨가 좋네요", ["날씨"]),
        ("ภาษา", "ฉันพูดภาษาไทย", ["ภาษา"]),
    ],
)
def test_scripts_without_spaces(query: str, text: str, pieces: list[str]) -> None:
    assert found(query, text) == pieces or "".join(found(query, text)) == "".join(pieces)


@pytest.mark.parametrize("query", ["", "   ", "?!", '""', "「」", "的" * 500, "\x00", "a" * 5000])
def test_odd_queries_do_no_harm(query: str) -> None:
    match(parse(query), "的a?!")


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_whatever_stands_in_a_text_is_found_in_it(before: str, middle: str, after: str) -> None:
    text = f"{before} {middle} {after}"
    query = parse(" ".join(atom.text for atom in atoms(middle)))
    assert query.tokens <= tokens(atoms(text))
    assert not query.terms or match(query, text)


@given(st.text(max_size=80), st.text(max_size=8))
def test_hits_lie_in_the_text_and_an_excerpt_shows_it(text: str, query: str) -> None:
    spans = match(parse(query), text)
    assert all(0 <= start < stop <= len(text) for start, stop in spans)
    shown = "".join(segment.text for segment in excerpt(text, spans))
    assert shown.strip("…") in text or not spans


def test_an_excerpt_is_cut_at_words_and_marks_the_hits() -> None:
    text = "A very long story begins here and goes on for quite a while until the lighthouse keeper appears. " * 3
    shown = excerpt(text, match(parse("lighthouse"), text))
    assert shown[0].text == "…"
    assert {segment.text for segment in shown if segment.hit} == {"lighthouse"}
    assert shown[1].text.split()[0] in text.split()
    assert shown[-1].text == "…"
    assert len("".join(segment.text for segment in shown)) < 170
