"""Cuts an answer into pieces to be spoken while the chat model still writes it.

Sentence boundaries are sentencex's; what is added here is what streaming needs: a boundary counts only once the text
after it shows that it is one, the first piece may end at a clause so that speech starts early, and a run-on is bounded.
"""

import re

import sentencex

FIRST_CLAUSE_WORDS = 4
"""The first piece may end at a comma after this many words: fewer sound clipped."""
FIRST_CONJUNCTION_WORDS = 8
"""Without a comma, the first piece may end before a conjunction after this many words."""
LONG_UNITS = 160
"""From here on any piece may end at a clause; a CJK character counts as `_CJK_UNITS`."""
MAX_UNITS = 300
"""No piece of prose is longer; beyond it is cut at a space, at worst inside a word."""
MAX_CODE = 65_536
"""Characters of one fenced code block (which is not spoken) kept together: beyond any answer's length."""

_CJK_UNITS = 4
_CJK_WORDS = 0.6
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CJK_CHAR = re.compile(rf"[{_CJK}]")
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+(?:['’.,:-][^\W{_CJK}]+)*")
_MAYBE_END = re.compile(r"[.!?。！？…‥｡؟।][^\w\s]*\s*\S")
_SAFE_END = re.compile(r"(?:\s|[。！？…｡][」』”’\"'）)】》]*)$")
_NOT_AN_END = re.compile(
    r"(?:(?:^|\n)\s*(?:\d{1,3}[.)]|[-*+•])|\b(?:Dr|Mr|Mrs|Ms|Prof|St|Mt|vs|approx|e\.g|i\.e)\.)\s*$"
)
"""A list's number or bullet, or an abbreviation that goes on: sentencex misses some after Chinese or at the start."""
_CLAUSE = re.compile(rf"(?:[,;:—–](?=[\s])|\s[-—–](?=\s)|[，；：]|(?<=[{_CJK}])[、,;:])[」』”’\"')）]*\s*(?=\S)")
_CONJUNCTION = re.compile(r"\s(?=(?:and|but|or|so|because|which|while|when|where|since|although|unless|until)\s)")
_FENCE = re.compile(r"^[ \t]{0,3}(```+|~~~+)[^`\n]*$", re.MULTILINE)
_LINE_END = re.compile(r"\S[^\n]*\n\s*")
_OPEN_LINK = re.compile(r"!?\[[^\[\]\n]{0,120}$|\[[^\[\]\n]{0,120}\]\([^()\s]{0,300}$")


def _units(text: str) -> int:
    """Length as it sounds: a Chinese character takes about as long as four Latin letters."""
    return len(text) + (_CJK_UNITS - 1) * len(_CJK_CHAR.findall(text))


def _words(text: str) -> float:
    words = _WORD.findall(text)
    return sum(_CJK_WORDS if _CJK_CHAR.match(word) else 1 for word in words)


def _inside_markup(head: str) -> bool:
    """True when a cut after ``head`` would tear a code span or a link apart."""
    line = head[head.rfind("\n") + 1 :]
    return line.count("`") % 2 == 1 or _OPEN_LINK.search(line) is not None


class SentenceSplitter:
    """Give it deltas, get pieces; ``"".join(pieces)`` is the text fed, but for white space at its end.

    Pieces keep the white space after them. A piece may hold nothing that can be spoken (a code block, a rule): see
    `inference.speech.normalise.speakable`. Not safe for use from several tasks.
    """

    def __init__(self, language: str) -> None:
        """language: BCP-47 tag of the answer; it chooses the rules for abbreviations."""
        self._language = language.partition("-")[0].lower() or "en"
        self._buffer = ""
        self._first = True

    def feed(self, delta: str) -> list[str]:
        """Takes text as it comes; returns the pieces that are certain now, often none."""
        self._buffer += delta
        return self._take(final=False)

    def flush(self) -> list[str]:
        """The text has ended: returns the rest. The splitter is then ready for another text."""
        pieces = self._take(final=True)
        rest, self._buffer, self._first = self._buffer, "", True
        if rest.strip():
            pieces.append(rest)
        return pieces

    def _take(self, *, final: bool) -> list[str]:
        pieces: list[str] = []
        while cut := self._cut(self._buffer, final=final):
            pieces.append(self._buffer[:cut])
            self._buffer = self._buffer[cut:]
            self._first = False
        return pieces

    def _cut(self, text: str, *, final: bool) -> int:
        """Where the next piece ends; 0 when that is not certain yet."""
        prose_end = len(text)
        if fence := _FENCE.search(text):
            if not text[: fence.start()].strip():
                return _code_end(text, fence)
            prose_end = fence.start()
        prose = text[:prose_end]
        closed = final or prose_end < len(text)
        ends = [end for end in (self._sentence_end(prose), _line_end(prose, closed=closed)) if end]
        return min(ends, default=0) or self._clause_end(prose, closed=closed) or _forced_end(prose)

    def _sentence_end(self, text: str) -> int:
        if not _MAYBE_END.search(text):
            return 0
        for boundary in sentencex.get_sentence_boundaries(self._language, text):
            end = int(boundary["end_index"])
            head = text[:end]
            if not head.strip() or not _SAFE_END.search(head) or _NOT_AN_END.search(head) or _inside_markup(head):
                continue
            if _units(head) > MAX_UNITS:
                return 0
            # Only what follows shows that a sentence has ended: "3." may become "3.14", "Really?" may go on in lower
            # case. The last one is taken by `flush`.
            following = text[end:].lstrip()
            return len(text) - len(following) if following else 0
        return 0

    def _clause_end(self, text: str, *, closed: bool) -> int:
        if self._first and not closed:
            for pattern, words in ((_CLAUSE, FIRST_CLAUSE_WORDS), (_CONJUNCTION, FIRST_CONJUNCTION_WORDS)):
                for match in pattern.finditer(text):
                    head = text[: match.end()]
                    if _words(head) >= words and not _inside_markup(head):
                        return match.end()
        if _units(text) < LONG_UNITS:
            return 0
        best = 0
        for match in _CLAUSE.finditer(text):
            length = _units(text[: match.end()])
            if length > MAX_UNITS:
                break
            if length >= LONG_UNITS // 2 and not _inside_markup(text[: match.end()]):
                best = match.end()
        return best


def _line_end(text: str, *, closed: bool) -> int:
    """A line is a piece of its own: an item, a heading, a verse. White space after it belongs to it."""
    line = _LINE_END.search(text)
    if line is None or _units(text[: line.end()]) > MAX_UNITS:
        return 0
    return line.end() if closed or line.end() < len(text) else 0


def _code_end(text: str, fence: re.Match[str]) -> int:
    """End of the fenced block that ``text`` starts with, its closing line included; 0 while it is open."""
    close = re.compile(rf"\n[ \t]{{0,3}}{fence[1]}[ \t]*(?:\n\s*(?=\S)|\Z)").search(text, fence.end())
    if close is not None and close.end() < len(text):
        return close.end()
    return MAX_CODE if len(text) > MAX_CODE else 0


def _forced_end(text: str) -> int:
    """A run-on without any boundary: cut at the last space within the bound, at worst inside a word."""
    if _units(text) <= MAX_UNITS:
        return 0
    end = total = 0
    for end, character in enumerate(text):  # noqa: B007 - the position where the bound is reached
        total += _CJK_UNITS if _CJK_CHAR.match(character) else 1
        if total > MAX_UNITS:
            break
    space = max(text.rfind(" ", 0, end), text.rfind("\n", 0, end))
    return space + 1 if space > 0 and text[:space].strip() else end


def split(text: str, language: str) -> list[str]:
    """Pieces of a text that is there as a whole: sentences and lines, none cut short, none beyond `MAX_UNITS`."""
    splitter = SentenceSplitter(language)
    splitter._buffer = text
    return splitter.flush()
