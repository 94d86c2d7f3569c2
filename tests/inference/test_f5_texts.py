"""How a text is cut for F5-TTS: by sentences, none too short, none beyond the window, nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.workers.f5.texts import FEWEST_WORDS, WINDOW_S, duration_s, pieces, room_bytes, words


def cut(text: str, most_bytes: int) -> list[str]:
    """As f5-tts does, at spaces."""
    parts = [""]
    for word in text.split(" "):
        joined = f"{parts[-1]} {word}".strip()
        parts = [*parts[:-1], joined] if len(joined.encode()) <= most_bytes else [*parts, word]
    return parts


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Good morning to all of you. It is a fine day today.", 2),
        ("Sure. It is a fine day today.", 1),
        ("It is a fine day today. Yes. No.", 1),
        ("It is a fine day today. Yes. No. We will all go to the park now.", 2),
        ("Sure.", 1),
        ("早安，各位朋友。今天天氣真的很好。", 2),
        ("好的。今天天氣真的很好。", 1),
        ("He paid 3.50 dollars for it at v2.0 of the shop.", 1),
        ("", 0),
    ],
)
def test_sentences_under_five_words_are_spoken_with_their_neighbour(text: str, spoken: int) -> None:
    found = pieces(text, 400, cut)
    assert len(found) == spoken
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
    if len(found) > 1:
        assert min(map(words, found)) >= FEWEST_WORDS


@given(st.lists(st.text("abc Äß好.!?。「」'", max_size=40), max_size=12), st.integers(40, 400))
def test_nothing_is_lost_or_said_twice(sentences: list[str], most_bytes: int) -> None:
    text = " ".join(sentences)
    assert "".join("".join(pieces(text, most_bytes, cut)).split()) == "".join(text.split())


def test_what_is_too_long_for_the_window_is_cut() -> None:
    text = "this sentence goes on and on " * 20 + "until here."
    found = pieces(text, 120, cut)
    assert max(len(piece.encode()) for piece in found) <= 120
    assert " ".join(found).split() == text.split()


def at_commas(text: str, most_bytes: int) -> list[str]:
    """As f5-tts does: what has no comma is not cut."""
    return text.split(", ")


@given(st.text("ab ,好.!?「」é🙂", max_size=300), st.integers(1, 60))
def test_no_piece_is_beyond_the_room_whatever_f5_leaves_whole(text: str, most_bytes: int) -> None:
    found = pieces(text, most_bytes, at_commas)
    assert all(len(piece.encode()) <= most_bytes or len(piece) == 1 for piece in found)
    assert "".join("".join(found).replace(",", "").split()) == "".join(text.replace(",", "").split())


def test_a_long_sentence_without_a_comma_is_cut_between_words() -> None:
    text = "this sentence goes on and on " * 8 + "until here."
    found = pieces(text, 60, at_commas)
    assert " ".join(found) == text


@pytest.mark.parametrize("transcript", ["Yes.", "x" * 2000, "This is what was said in the sample."])
@pytest.mark.parametrize("reference_s", [1.0, 8.0, 20.0])
@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_whatever_the_sample_says_what_is_new_fits_into_what_the_model_was_taught_on(
    transcript: str, reference_s: float, speed: float
) -> None:
    text = "We are going to the market to buy apples and pears and then we are all going home again."
    for piece in pieces(text, room_bytes(transcript, reference_s, speed), cut):
        assert duration_s(piece, transcript, reference_s, speed) + reference_s <= max(WINDOW_S, reference_s + 7.0)


def test_short_texts_are_given_more_time() -> None:
    transcript = "x" * 100
    assert duration_s("x" * 20, transcript, 10.0, 1.0) == 2.0
    assert duration_s("x" * 20, transcript, 10.0, 2.0) == 1.0
    assert duration_s("Yes.", transcript, 10.0, 1.0) == pytest.approx(0.4 / 0.3)


def test_the_room_is_what_the_window_leaves_at_the_references_pace() -> None:
    transcript = "x" * 100
    assert room_bytes(transcript, 10.0, 1.0) == 120
    assert room_bytes(transcript, 10.0, 2.0) == 240
    assert room_bytes(transcript, 20.0, 1.0) == 10
