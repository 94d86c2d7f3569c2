"""How many of the asked words a transcript holds, in their order."""

import re
import unicodedata
from collections.abc import Sequence

import opencc
from pypinyin import Style, lazy_pinyin

from voices.languages import Language

_WORD = re.compile(r"[a-z]+")
_NEAR_FROM = 6
"""Letters from which on one that was misheard is forgiven: speech-to-text writes ``colour`` and ``color``."""


def words_in_order(asked: Sequence[str], transcript: str, language: Language) -> int:
    """The longest row of asked words that the transcript has in this order, others between them allowed.

    English words must be the same but for a plural, or one letter of a long word; Mandarin ones must sound the same
    (pinyin without tones), for their characters are the recogniser's guess.
    """
    units = _sounds(transcript) if language == "zh-TW" else _english(transcript)
    targets = [_sounds(word) if language == "zh-TW" else _english(word) for word in asked]
    # best[k]: where the earliest row of k asked words ends.
    best: list[int] = [0]
    for target in targets:
        reached = [_after(units, target, end) for end in best]
        for count in range(len(best), 0, -1):
            end = reached[count - 1]
            if end is None:
                continue
            if count == len(best):
                best.append(end)
            else:
                best[count] = min(best[count], end)
    return len(best) - 1


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
