"""Text as search sees it: folded, cut into atoms (a word, or one character of a script without spaces), with places.

Case, accents, width and the two scripts of Chinese make no difference; of words, neither does an English ending.
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterator

import msgspec
import opencc
import snowballstemmer

# Chinese, kana, bopomofo, Hangul; Thai, Lao, Burmese, Khmer: no spaces between words, or too much hung onto them.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af"
)
_LETTER = rf"(?:(?![{_UNSPACED}])[^\W_])"
_PIECE = re.compile(rf"(?P<run>[{_UNSPACED}]+)|{_LETTER}+(?:'{_LETTER}+)*")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_APOSTROPHES = {"\u2019": "'", "\u02bc": "'", "\uff07": "'"}
_LONGEST_WORD = 64

_stemmer = snowballstemmer.stemmer("english")


class Atom(msgspec.Struct, frozen=True):
    """A word or a character, folded; ``start`` and ``stop`` are its place in the text as it was given.

    ``run`` counts the stretches of the text: characters of one run stand side by side.
    """

    text: str
    start: int
    stop: int
    run: int
    spaced: bool


def atoms(text: str) -> list[Atom]:
    """The atoms of a text, in order."""
    folded, places = _fold(text)
    return list(_cut(folded, places))


def tokens(found: list[Atom]) -> set[str]:
    """What is looked up of a text: stems, characters, and pairs of characters that stand side by side."""
    said = {f"w{stem(atom.text)}" if atom.spaced else f"1{atom.text}" for atom in found}
    pairs = itertools.pairwise(found)
    said |= {f"2{one.text}{two.text}" for one, two in pairs if one.run == two.run and not one.spaced}
    return said


@functools.lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A word without its English ending; what is not English loses nothing that the query would keep."""
    return str(_stemmer.stemWord(word))


def _cut(folded: str, places: list[int]) -> Iterator[Atom]:
    for run, piece in enumerate(_PIECE.finditer(folded)):
        if piece["run"] is None:
            word = piece[0][:_LONGEST_WORD]
            yield Atom(word, places[piece.start()], places[piece.end()], run, spaced=True)
        else:
            for at in range(piece.start(), piece.end()):
                yield Atom(folded[at], places[at], places[at + 1], run, spaced=False)


def _fold(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters (and its end) the place it came from."""
    parts: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        folded = _fold_character(character)
        parts.append(folded)
        places.extend([place] * len(folded))
    places.append(len(text))
    return "".join(parts), places


@functools.lru_cache(maxsize=20_000)
def _fold_character(character: str) -> str:
    plain = unicodedata.normalize("NFKC", _APOSTROPHES.get(character, character)).casefold()
    if len(plain) == 1 and _IS_UNSPACED.match(plain):
        return _one_script(plain)
    bare = (part for part in unicodedata.normalize("NFD", plain) if not unicodedata.category(part).startswith("M"))
    return unicodedata.normalize("NFC", "".join(bare))


def _one_script(character: str) -> str:
    """Simplified, where Chinese has two forms."""
    simple = str(_converter().convert(character))
    return simple if len(simple) == 1 else character


@functools.cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
