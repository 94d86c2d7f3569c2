"""What somebody looks for: words, runs of characters, and phrases in quotation marks; a text must hold all of them."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from conversations.search.words import Atom, atoms, stem, tokens

LONGEST_QUERY = 200
_QUOTED = re.compile(r'"([^"]+)"|“([^”]+)”|「([^」]+)」|『([^』]+)』')
_BEFORE, _AFTER = 40, 120


class Term(msgspec.Struct, frozen=True):
    """Atoms that stand side by side; ``exact`` for what was in quotation marks: the word itself, not its stem."""

    atoms: tuple[str, ...]
    exact: bool


class Query(msgspec.Struct, frozen=True):
    """``tokens`` are looked up in the index; ``terms`` decide."""

    terms: tuple[Term, ...] = ()
    tokens: frozenset[str] = frozenset()


class Segment(msgspec.Struct, frozen=True):
    """A piece of an excerpt; ``hit`` where it is what was looked for."""

    text: str
    hit: bool = False


Span = tuple[int, int]


def parse(text: str) -> Query:
    """A query as it was typed; what is beyond `LONGEST_QUERY` characters is not looked for."""
    text = text[:LONGEST_QUERY]
    terms: list[Term] = []
    looked_up: set[str] = set()
    for quoted in _QUOTED.finditer(text):
        found = atoms(next(filter(None, quoted.groups())))
        terms.append(Term(tuple(atom.text for atom in found), exact=True))
        looked_up |= tokens(found)
    loose = atoms(_QUOTED.sub(" ", text))
    looked_up |= tokens(loose)
    terms += (Term(tuple(atom.text for atom in run), exact=not run[0].spaced) for run in _runs(loose))
    return Query(tuple(term for term in terms if term.atoms), frozenset(looked_up))


def match(query: Query, text: str) -> list[Span]:
    """Where the text holds the terms, in order; empty unless it holds all of them."""
    found = atoms(text)
    spans: list[Span] = []
    for term in query.terms:
        places = list(_places(term, found))
        if not places:
            return []
        spans += places
    return _merged(spans)


def excerpt(text: str, spans: Iterable[Span]) -> tuple[Segment, ...]:
    """The surroundings of the first hit, cut at words, the hits in them marked."""
    marked = list(spans)
    first = marked[0][0] if marked else 0
    start, stop = max(0, first - _BEFORE), min(len(text), first + _AFTER)
    start = _word_start(text, start, first)
    segments = [Segment("…")] if start else []
    for one, two in marked:
        if one >= stop:
            break
        segments += [Segment(text[start:one]), Segment(text[one : min(two, stop)], hit=True)]
        start = min(two, stop)
    segments += [Segment(text[start:stop]), Segment("…" if stop < len(text) else "")]
    return tuple(segment for segment in segments if segment.text)


def _runs(found: list[Atom]) -> Iterator[list[Atom]]:
    run: list[Atom] = []
    for atom in found:
        if run and run[-1].run != atom.run:
            yield run
            run = []
        run.append(atom)
    if run:
        yield run


def _places(term: Term, found: list[Atom]) -> Iterator[Span]:
    length = len(term.atoms)
    wanted = term.atoms if term.exact else tuple(map(stem, term.atoms))
    for at in range(len(found) - length + 1):
        stretch = found[at : at + length]
        if all(
            (atom.text if term.exact or not atom.spaced else stem(atom.text)) == text
            for atom, text in zip(stretch, wanted, strict=True)
        ):
            yield stretch[0].start, stretch[-1].stop


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


def _word_start(text: str, start: int, limit: int) -> int:
    """Not in the middle of a word, if there is a space before the hit."""
    if start == 0:
        return 0
    space = text.find(" ", start, limit)
    return space + 1 if space >= 0 else start
