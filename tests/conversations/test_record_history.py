"""The model's context is what was heard: folded from facts, without a database."""

import json

import pytest

from conversations.events import (
    Fact,
    ItemCreated,
    ItemDeleted,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    ReplyStarted,
    ToolCalled,
    UserSpoke,
    UserTranscribed,
    UserTranscriptionFailed,
    UserWrote,
)
from conversations.history import History, HistoryItem, join_sentences


def fold(*facts: Fact | tuple[str, Fact]) -> tuple[HistoryItem, ...]:
    history = History()
    for given in facts:
        turn_id, fact = given if isinstance(given, tuple) else ("turn-1", given)
        history.apply(fact, turn_id)
    return history.items()


def spoke(item: str = "u1", previous: str | None = None) -> UserSpoke:
    return UserSpoke(item_id=item, audio_id="a" * 32, duration_ms=900, previous_item_id=previous)


def heard(text: str, *, item: str = "a1", complete: bool = False, source: str = "playback_clock") -> ReplyHeard:
    return ReplyHeard(
        response_id="r1",
        item_id=item,
        text=text,
        audio_ms=500,
        source=source,  # type: ignore[arg-type]
        complete=complete,
    )


def spoken(index: int, text: str, item: str = "a1") -> ReplySpoken:
    return ReplySpoken(response_id="r1", item_id=item, index=index, text=text)


GENERATED = ReplyGenerated(response_id="r1", item_id="a1", text="It is warm. It will rain. Take an umbrella.")


def texts(items: tuple[HistoryItem, ...]) -> list[tuple[str, str, bool]]:
    return [(item.role, item.text, item.complete) for item in items]


def test_a_turn_heard_to_its_end() -> None:
    items = fold(
        spoke(),
        UserTranscribed(item_id="u1", text="How is the weather?"),
        ReplyStarted(response_id="r1"),
        spoken(0, "It is warm."),
        spoken(1, "It will rain."),
        GENERATED,
        heard("It is warm. It will rain.", complete=True),
        ReplyFinished(response_id="r1", status="completed"),
    )
    assert texts(items) == [("user", "How is the weather?", True), ("assistant", "It is warm. It will rain.", True)]
    assert {item.turn_id for item in items} == {"turn-1"}


def test_what_was_generated_but_never_spoken_is_not_in_it() -> None:
    assert fold(ReplyStarted(response_id="r1"), GENERATED) == ()


def test_an_answer_that_was_cut_is_what_was_heard_of_it() -> None:
    assert texts(fold(spoken(0, "It is warm."), GENERATED, heard("It is"))) == [("assistant", "It is", False)]


def test_an_answer_of_which_nothing_was_heard_is_not_in_it() -> None:
    assert fold(spoken(0, "It is warm."), GENERATED, heard("")) == ()


def test_after_a_crash_in_mid_answer_it_is_what_was_spoken_marked_incomplete() -> None:
    assert texts(fold(spoken(0, "It is warm."), spoken(1, "It will rain."))) == [
        ("assistant", "It is warm. It will rain.", False)
    ]


def test_never_more_than_was_spoken() -> None:
    assert texts(fold(spoken(0, "It is warm."), heard("It is warm. It will rain.", complete=True)))[0][1] == (
        "It is warm."
    )


@pytest.mark.parametrize("order", [0, 1])
def test_the_client_knows_better_than_the_clock(order: int) -> None:
    clock, client = heard("It is warm. It will", source="playback_clock"), heard("It is", source="client")
    facts = (clock, client) if order else (client, clock)
    assert texts(fold(spoken(0, "It is warm."), spoken(1, "It will rain."), *facts))[0][1] == "It is"


def test_an_utterance_without_a_transcript_is_not_in_it_yet() -> None:
    assert fold(spoke()) == ()
    assert fold(spoke(), UserTranscriptionFailed(item_id="u1", code="x", message="y")) == ()


def test_a_transcript_that_comes_late_stands_where_it_was_spoken() -> None:
    items = fold(spoke(), spoken(0, "Yes?"), UserTranscribed(item_id="u1", text="Hello"))
    assert [item.item_id for item in items] == ["u1", "a1"]


def test_what_was_deleted_is_gone_whatever_comes_after() -> None:
    items = fold(
        spoke(),
        spoken(0, "It is warm."),
        UserWrote(item_id="u2", text="And tomorrow?"),
        ItemDeleted(item_id="u1"),
        ItemDeleted(item_id="a1"),
        UserTranscribed(item_id="u1", text="late"),
        spoken(1, "late"),
        heard("late"),
    )
    assert [item.item_id for item in items] == ["u2"]


def test_items_stand_where_the_client_put_them() -> None:
    items = fold(
        UserWrote(item_id="u1", text="one"),
        UserWrote(item_id="u3", text="three"),
        UserWrote(item_id="u2", text="two", previous_item_id="u1"),
        UserWrote(item_id="u0", text="zero", previous_item_id="root"),
        UserWrote(item_id="u4", text="four", previous_item_id="unknown"),
    )
    assert [item.item_id for item in items] == ["u0", "u1", "u2", "u3", "u4"]


def test_tools_and_what_the_client_put_in() -> None:
    output = json.dumps({"type": "function_call_output", "call_id": "c1", "output": "21 degrees"})
    system = json.dumps({"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be brief."}]})
    said = json.dumps(
        {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "Yes?"}]}
    )
    items = fold(
        ItemCreated(item_id="s1", kind="message", role="system", content=system),
        ItemCreated(item_id="s2", kind="message", role="assistant", content=said),
        ToolCalled(response_id="r1", item_id="f1", call_id="c1", name="weather", arguments='{"city":"Taipei"}'),
        ItemCreated(item_id="o1", kind="function_call_output", content=output),
    )
    assert [(item.kind, item.role, item.text, item.call_id, item.name) for item in items] == [
        ("message", "system", "Be brief.", "", ""),
        ("message", "assistant", "Yes?", "", ""),
        ("function_call", "", '{"city":"Taipei"}', "c1", "weather"),
        ("function_call_output", "", "21 degrees", "c1", ""),
    ]


def test_whole_turns_can_be_told_apart() -> None:
    items = fold(("t1", UserWrote(item_id="u1", text="one")), ("t2", UserWrote(item_id="u2", text="two")))
    assert [item.turn_id for item in items] == ["t1", "t2"]


def test_redacted_words_are_not_in_it() -> None:
    assert fold(spoke(), UserTranscribed(item_id="u1", text=""), spoken(0, ""), heard("")) == ()
    assert fold(UserWrote(item_id="u2", text="")) == ()
    assert fold(ItemCreated(item_id="s1", kind="message", role="system", content="")) == ()


@pytest.mark.parametrize(
    ("sentences", "joined"),
    [
        ({0: "One.", 1: "Two."}, "One. Two."),
        ({1: "Two.", 0: "One. "}, "One. Two."),
        ({0: "你好。", 1: "今天很熱。"}, "你好。今天很熱。"),
        ({}, ""),
    ],
)
def test_sentences_are_joined_as_their_language_does(sentences: dict[int, str], joined: str) -> None:
    assert join_sentences(sentences) == joined
