"""Whether a text is what a rule looks for. No rule can take long, however it is written.

Words become one alternation of literals; patterns run on RE2, whose time grows with the text alone.
"""

import re
import unicodedata

import msgspec
import re2

MAX_EXPRESSION = 10_000
MAX_TEXT = 20_000
"""Characters of a text that are looked at."""
_RE2_MEMORY = 8 << 20
_WITHOUT_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
"""Kana and Han: scripts that put no space between words."""


class InvalidRule(Exception):
    """The expression cannot be used; the message says why, to whoever wrote it."""


class Matcher(msgspec.Struct, frozen=True):
    """A rule made ready. ``language`` is a primary tag such as ``zh``; empty: every language."""

    name: str
    reason: str
    language: str
    _finds: re.Pattern[str] | re2._Regexp

    def finds(self, text: str, language: str = "") -> bool:
        """Whether the rule is for this language (empty: it is told by its script) and the text has what it seeks."""
        if self.language and primary(language or by_script(text)) not in {"", self.language}:
            return False
        return self._finds.search(_normal(text[:MAX_TEXT])) is not None


def matcher(*, name: str, reason: str, language: str, kind: str, expression: str) -> Matcher:
    """Raises `InvalidRule`."""
    if len(expression) > MAX_EXPRESSION:
        raise InvalidRule(f"An expression has at most {MAX_EXPRESSION} characters: make two rules of it.")
    finds = _pattern(expression) if kind == "pattern" else _words(expression)
    return Matcher(name, reason, primary(language), finds)


def primary(language: str) -> str:
    """``zh`` of ``zh-Hant-TW``."""
    return language.lower().partition("-")[0]


def by_script(text: str) -> str:
    """What typed words tell of their language: ``zh``, ``en``, or nothing."""
    return "zh" if _WITHOUT_SPACES.search(text) else "en" if re.search("[A-Za-z]", text) else ""


def _words(expression: str) -> re.Pattern[str]:
    terms = [term for line in expression.splitlines() if (term := " ".join(_normal(line).split()))]
    if not terms:
        raise InvalidRule("There is no word in this rule: write one word or phrase a line.")
    return re.compile("|".join(_bounded(term) for term in sorted(terms, key=len, reverse=True)))


def _bounded(term: str) -> str:
    literal = r"\s+".join(map(re.escape, term.split()))
    return literal if _WITHOUT_SPACES.search(term) else rf"(?<!\w){literal}(?!\w)"


def _pattern(expression: str) -> re2._Regexp:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _RE2_MEMORY
    try:
        pattern = re2.compile(expression, options)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise InvalidRule(
            f"RE2 cannot read this pattern ({reason}). It knows no look-around and no back-references."
        ) from None
    if pattern.search("") is not None:
        raise InvalidRule("This pattern fits everything, even silence.")
    return pattern


def _normal(text: str) -> str:
    """Full-width and half-width letters, capital and small ones are the same."""
    return unicodedata.normalize("NFKC", text).casefold()
