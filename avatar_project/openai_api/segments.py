"""What was heard, cut into sentences with their times: for verbose JSON, SubRip and WebVTT."""

import re
from collections.abc import Iterator, Sequence
from html import escape

import msgspec

from inference.types import Segment, Transcript, Word

_LONGEST = 90
"""Characters of one caption; a Chinese character counts as two."""
_LONGEST_S = 7.0
_END = re.compile(r"[.!?。！？…][\"'”’」』）)]*$")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_MARKS = re.compile(r"^[\s,.!?;:，。！？；：、…]")


class Line(msgspec.Struct, frozen=True):
    """A sentence, or the part of one that is read at a glance; ``segment`` is what it was recognised in."""

    text: str
    start_s: float
    end_s: float
    segment: Segment


def lines_of(heard: Transcript) -> list[Line]:
    """By the times of the words where they are known, else the segments as they are."""
    lines: list[Line] = []
    for segment in heard.segments:
        words = [word for word in heard.words if segment.start_s - 0.5 <= word.start_s < segment.end_s]
        if words:
            lines += [
                Line(_joined(group), group[0].start_s, max(group[-1].end_s, group[0].start_s + 0.1), segment)
                for group in _grouped(words)
            ]
        else:
            lines.append(Line(segment.text, segment.start_s, segment.end_s, segment))
    return lines


def srt(heard: Transcript) -> str:
    """SubRip."""
    blocks = [
        f"{number}\n{_moment(line.start_s, ',')} --> {_moment(line.end_s, ',')}\n{line.text}\n"
        for number, line in enumerate(lines_of(heard), start=1)
    ]
    return "\n".join(blocks)


def vtt(heard: Transcript) -> str:
    """WebVTT (https://www.w3.org/TR/webvtt1/)."""
    blocks = [
        f"{_moment(line.start_s, '.')} --> {_moment(line.end_s, '.')}\n{escape(line.text, quote=False)}\n"
        for line in lines_of(heard)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _grouped(words: Sequence[Word]) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word in words:
        full = group and (_length(_joined([*group, word])) > _LONGEST or word.end_s - group[0].start_s > _LONGEST_S)
        if full and not _MARKS.match(word.text):
            yield group
            group = []
        group.append(word)
        if _END.search(word.text):
            yield group
            group = []
    if group:
        yield group


def _joined(words: Sequence[Word]) -> str:
    """With spaces, but between what is written without."""
    text = ""
    for word in words:
        tight = not text or _MARKS.match(word.text) or (_WIDE.search(text[-1]) and _WIDE.search(word.text[0]))
        text += word.text if tight else f" {word.text}"
    return text


def _length(text: str) -> int:
    return len(text) + len(_WIDE.findall(text))


def _moment(seconds: float, mark: str) -> str:
    whole, ms = divmod(round(seconds * 1000), 1000)
    minutes, whole = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{whole:02}{mark}{ms:03}"
