"""What counts as the same words: both texts are brought to one form, then compared by edit distance."""

import re
import unicodedata
from collections.abc import Sequence

from inference.engines.whisper_language import in_script

_NUMBERS = {
    word: str(value)
    for value, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_WORDS = {"mr": "mister", "mrs": "missus", "dr": "doctor", "ok": "okay"}


def units(text: str, language: str) -> list[str]:
    """Words, in lower case without punctuation; for Chinese, simplified characters.

    English numbers: words up to twelve become digits, digits read out one after the other (three or more in a row) are
    taken apart; hyphens part words, thousands commas vanish. Nothing else is forgiven.
    """
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    if language.split("-", maxsplit=1)[0] in {"zh", "cmn", "ja"}:
        return re.findall(r"[^\W_]", in_script(text, "zh-CN"))
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text).replace("%", " percent ")
    out: list[str] = []
    for raw in re.sub(r"[^\w' ]|_", " ", text).split():
        word = raw.strip("'")
        word = _NUMBERS.get(word, _WORDS.get(word, word))
        if word.isdigit() and len(word) > 2:
            out.extend(word)
        elif word:
            out.append(word)
    return out


def edits(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance: substitutions, deletions and insertions."""
    row = list(range(len(heard) + 1))
    for i, wanted in enumerate(reference, 1):
        before, row[0] = row[0], i
        for j, got in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (wanted != got))
    return row[-1]
