"""How many of the asked words a transcript holds, in their order."""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import opencc
from pypinyin import Style, lazy_pinyin

from voices.languages import Language

_WORD = re.compile(r"[a-z]+")
_NEAR_FROM = 6
"""Letters from which on one that was misheard is forgiven: speech-to-text writes ``colour`` and ``color``."""


class Row(NamedTuple):
    """``words``: how many of the asked words were heard in order; ``pieces``: which pieces of it hold them."""

    words: int
    pieces: tuple[int, ...]


def row(asked: Sequence[str], pieces: Sequence[str], language: Language) -> Row:
    """The longest row of asked words in what was heard, others between them allowed; ``pieces``: its words, in order.

    English words must be the same but for a plural, or one letter of a long word; Mandarin ones must sound the same
    (pinyin without tones), for their characters are the recogniser's guess.
    """
    split = _sounds if language == "zh-TW" else _english
    heard = [(unit, index) for index, piece in enumerate(pieces) for unit in split(piece)]
    units = [unit for unit, _ in heard]
    # best[k]: where the earliest row of k asked words ends, and the units that make it.
    best: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    for word in asked:
        target = split(word)
        reached = [(_after(units, target, end), made) for end, made in best]
        for count in range(len(best), 0, -1):
            end, made = reached[count - 1]
            if end is None:
                continue
            grown = (end, (*made, *range(end - len(target), end)))
            if count == len(best):
                best.append(grown)
            elif end < best[count][0]:
                best[count] = grown
    return Row(len(best) - 1, tuple(sorted({heard[unit][1] for unit in best[-1][1]})))


def _after(units: Sequence[str], target: Sequence[str], start: int) -> int | None:
    """Where the first occurrence of ``target`` from ``start`` on ends."""
    for at in range(start, len(units) - len(target) + 1):
        if all(_alike(unit, wanted) for unit, wanted in zip(units[at:], target, strict=False)):
            return at + len(target)
    return None


def _english(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.lower())
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in _WORD.findall(plain)]


def _sounds(text: str) -> list[str]:
    """A syllable for each character; what is not Chinese is left out."""
    simplified = _simplified(text)
    return [_merged(one) for one in lazy_pinyin(simplified, style=Style.NORMAL, errors="ignore")]


def _simplified(text: str) -> str:
    # The pinyin tables know more words in simplified characters.
    return str(_CONVERTER.convert(text))


_CONVERTER = opencc.OpenCC("t2s")


def _merged(syllable: str) -> str:
    """Without what many speakers of Taiwan do not tell apart: zh/z, ch/c, sh/s, ing/in, eng/en."""
    for retroflex in ("zh", "ch", "sh"):
        if syllable.startswith(retroflex):
            syllable = retroflex[0] + syllable[2:]
    return syllable[:-1] if syllable.endswith(("ing", "eng")) else syllable


def _alike(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) >= _NEAR_FROM and one.isascii() and _one_apart(one, other))


def _one_apart(one: str, other: str) -> bool:
    """Whether one letter put in, left out or changed makes them the same."""
    if abs(len(one) - len(other)) > 1:
        return False
    short, long = sorted((one, other), key=len)
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return short[at + (len(short) == len(long)) :] == long[at + 1 :]
