"""Texts as F5-TTS likes them: sentence by sentence, none too short to keep its words, none beyond its window."""

import re
from collections.abc import Callable

FEWEST_WORDS = 5
"""Shorter texts lose words; they are spoken together with their neighbour."""
WINDOW_S = 22.0
"""Reference and new speech together, as f5-tts' own inference keeps it; the model was taught on at most 30 s."""
SLOWEST_PACE, FASTEST_PACE = 5.0, 40.0
"""UTF-8 bytes a second that speech can have. Hesitant English has 8, quick Mandarin 27; a sample with long pauses, or
a transcript that lacks words, says less or more: new speech is not given so much time, or so little."""
_SHORT_BYTES, _SHORT_SPEED = 10, 0.3
"""Texts below that are given more time, as f5-tts' own inference does."""

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
        for part in cut(piece, most_bytes) if len(piece.encode()) > most_bytes else [piece]:
            fitting += _fitting(part, most_bytes)
    return fitting


def room_bytes(transcript: str, reference_s: float, speed: float) -> int:
    """How much text fits beside a reference, at the pace of the reference: UTF-8 bytes, as f5-tts counts."""
    return max(1, int(_pace(transcript, reference_s) * (WINDOW_S - reference_s) * speed))


def duration_s(text: str, transcript: str, reference_s: float, speed: float) -> float:
    """How long ``text`` is given, at the pace of the reference."""
    size = len(text.encode())
    return size / _pace(transcript, reference_s) / (_SHORT_SPEED if size < _SHORT_BYTES else speed)


def _pace(transcript: str, reference_s: float) -> float:
    return min(max(len(transcript.encode()) / reference_s, SLOWEST_PACE), FASTEST_PACE)


def _fitting(text: str, most_bytes: int) -> list[str]:
    """``text`` in parts of at most so many bytes (a character at least), cut between words where there are any."""
    parts: list[str] = []
    while len(text) > 1 and len(text.encode()) > most_bytes:
        head = text.encode()[:most_bytes].decode(errors="ignore") or text[0]
        whole_words = text[len(head) : len(head) + 1].isspace()
        if not whole_words and " " in head:
            head = head[: head.rindex(" ")]
        parts.append(head.strip())
        text = text[len(head) :].strip()
    return [part for part in (*parts, text) if part]


def _joined(first: str, second: str) -> str:
    return first + second if _WIDE_END.search(first) else f"{first} {second}"
