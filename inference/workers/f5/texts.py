"""Texts as F5-TTS likes them: sentence by sentence, none too short to keep its words, none beyond its window."""

import re
from collections.abc import Callable

FEWEST_WORDS = 5
"""Shorter texts lose words; they are spoken together with their neighbour."""
WINDOW_S = 22.0
"""Reference and new speech together, as f5-tts' own inference keeps it; the model was taught on at most 30 s."""

_SENTENCE = re.compile(r".+?(?:[.!?]+[\"'”’)\]]*(?=\s|$)|[。！？]+[」』”’）]*|$)", re.DOTALL)
_WORD = re.compile(r"[㐀-鿿]|[^\W㐀-鿿]+(?:['’-]\w+)*")
_WIDE_END = re.compile(r"[　-鿿＀-￯]$")

Cut = Callable[[str, int], list[str]]


def words(text: str) -> int:
    """How many there are; a Chinese character counts as one."""
    return len(_WORD.findall(text))


def pieces(text: str, most_bytes: int, cut: Cut) -> list[str]:
    """``text`` in the pieces that are spoken one by one; nothing is lost between them.

    ``most_bytes`` (UTF-8) is what fits into the window beside the reference; ``cut(text, most_bytes)`` divides what is
    longer.
    """
    merged: list[str] = []
    for sentence in (found.strip() for found in _SENTENCE.findall(text)):
        if not sentence:
            continue
        short = bool(merged) and min(words(merged[-1]), words(sentence)) < FEWEST_WORDS
        if short and len(_joined(merged[-1], sentence).encode()) <= most_bytes:
            merged[-1] = _joined(merged[-1], sentence)
        else:
            merged.append(sentence)
    fitting: list[str] = []
    for piece in merged:
        fitting += cut(piece, most_bytes) if len(piece.encode()) > most_bytes else [piece]
    return fitting


def room_bytes(transcript: str, reference_s: float, speed: float) -> int:
    """How much text fits beside a reference, at the pace of the reference: UTF-8 bytes, as f5-tts counts."""
    pace = len(transcript.encode()) / reference_s
    return max(1, int(pace * (WINDOW_S - reference_s) * speed))


def _joined(first: str, second: str) -> str:
    return first + second if _WIDE_END.search(first) else f"{first} {second}"
