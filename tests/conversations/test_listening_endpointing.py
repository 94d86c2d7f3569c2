"""How long silence has to last before a turn is over."""

import pytest

from conversations.realtime.listening.endpointing import SEMANTIC, SERVER, Waits, ending, silence_ms, waits
from conversations.realtime.listening.settings import TurnSettings


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Is it safe to swim in the Seine?", "answerable"),
        ("Tell me a joke about penguins.", "answerable"),
        ("I went to Paris. Show me a map.", "answerable"),
        ("who wrote Romeo and Juliet.", "answerable"),
        ("Yes.", "answerable"),
        ("Some call me nature.", "statement"),
        ("And so, my fellow Americans.", "open"),
        ("I would go. But if it rains.", "open"),
        ("And what is that?", "answerable"),
        ("Andrew is here.", "statement"),
        ("My name is Anna.", "statement"),
        ("And so my fellow Americans", "unmarked"),
        ("Tell me about the", "unmarked"),
        ("So what I wanted to ask you is...", "open"),
        ("I think,", "open"),
        ("ask…", "open"),
        ("這是什麼呢", "answerable"),
        ("請開燈。", "answerable"),
        ("今天天氣很好。", "statement"),
        ("我住在台北", "unmarked"),
        ("因為下雨,", "open"),
    ],
)
def test_the_words_tell_whether_more_will_come(text: str, kind: str) -> None:
    assert ending(text) == kind


def wait(probability: float | None, text: str | None, speech_ms: int = 2_000, among: Waits = SERVER) -> int:
    return silence_ms(among, speech_ms=speech_ms, probability=probability, text=text)


def test_a_finished_question_is_answered_at_once_and_a_long_statement_is_given_time() -> None:
    assert wait(0.9, "Is it safe?") <= 350
    assert wait(0.9, "Some call me nature.") >= 1_000
    assert wait(0.9, "I am fine.", speech_ms=700) == wait(0.9, "Is it safe?")


def test_statements_wait_longer_the_longer_they_are() -> None:
    measured = [wait(0.9, "I live in Taipei.", speech_ms=ms) for ms in range(500, 3_000, 100)]
    assert measured == sorted(measured)


def test_a_voice_that_has_not_ended_is_waited_for_whatever_the_words_say() -> None:
    for text in (None, "Is it safe?", "Ask not.", "I think", "I think,"):
        assert wait(0.1, text) > wait(0.9, text)
    assert wait(0.1, "I think,") == SERVER.longest


@pytest.mark.parametrize("text", [None, "", "  "])
def test_without_witnesses_the_wait_is_short_but_sane(text: str | None) -> None:
    assert 500 <= wait(None, text) <= 1_200


def test_eagerness_bounds_the_longest_wait_as_openai_documents_it() -> None:
    bounds = {"low": 8_000, "medium": 4_000, "auto": 4_000, "high": 2_000}
    for eagerness, longest in bounds.items():
        among = SEMANTIC[eagerness]
        answers = [
            wait(p, text, among=among) for p in (None, 0.0, 1.0) for text in (None, "So,", "Why?", "It is.", "so")
        ]
        assert max(answers) == longest
    assert wait(0.9, "Why?", among=SEMANTIC["low"]) > wait(0.9, "Why?", among=SEMANTIC["high"])


def test_semantic_vad_ignores_a_silence_duration() -> None:
    settings = TurnSettings(type="semantic_vad", silence_duration_ms=500, eagerness="low")
    assert settings.fixed_silence_ms is None
    assert waits(settings) is SEMANTIC["low"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("threshold", 1.5), ("prefix_padding_ms", -1), ("silence_duration_ms", -5), ("idle_timeout_ms", 10)],
)
def test_a_wrong_setting_is_named(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        TurnSettings(**{field: value})  # type: ignore[arg-type]
