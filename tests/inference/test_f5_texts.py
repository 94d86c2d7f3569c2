"""How a text is cut for F5-TTS: by sentences, none too short, none beyond the window, nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.workers.f5.texts import FEWEST_WORDS, pieces, room_bytes, words


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


def test_the_room_is_what_the_window_leaves_at_the_references_pace() -> None:
    transcript = "x" * 100
    assert room_bytes(transcript, 10.0, 1.0) == 120
    assert room_bytes(transcript, 10.0, 2.0) == 240
    assert room_bytes(transcript, 20.0, 1.0) == 10
