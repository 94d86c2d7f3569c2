"""Takes the writing out of written text: Markdown, HTML, emoji, links. What is left is prose with its numbers.

Patterns instead of a Markdown parser, because the text is a piece of an answer: its markup is often cut in half.
"""

import html
import re
import unicodedata

_FENCED = re.compile(r"^[ \t]{0,3}(```+|~~~+)[^`\n]*$.*?(?:^[ \t]{0,3}\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_TABLE_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$", re.MULTILINE)
_TABLE_ROW = re.compile(r"^[ \t]*\|(.+?)\|?[ \t]*$", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$", re.MULTILINE)
_LINE_START = re.compile(r"^[ \t]*(?:(?:>[ \t]?)+|#{1,6}[ \t]+|[-*+•◦▪‣·][ \t]+(?:\[[ xX]\][ \t]+)?)+", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t]*(\d{1,3})[.)][ \t]+(?=\S)", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(.*?)[ \t#]*$", re.MULTILINE)
_IMAGE_OR_LINK = re.compile(
    r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+[\"'][^\"']*[\"'])?\)|\[[^\[\]]*\])"
)
_FOOTNOTE = re.compile(r"\[\^[^\]]+\]:?|\[\d{1,3}\](?!\()")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|<!--.*?-->", re.DOTALL)
_ANGLE_LINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>")
_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_EMPHASIS = re.compile(r"(\*{1,3}|(?<!\w)_{1,3}|~~)(?=\S)(.{1,400}?)(?<=\S)\1(?!\w)", re.DOTALL)
_STRAY = re.compile(r"\*{2,}|~~+|`+|(?<!\S)[*_]+(?=\w)|(?<=[\w.,!?])[*_]+(?!\S|\w)|(?<=[^\s\w])\*(?=\s|$)")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|<>~-])")
_PATH = r"[^\s<>\"'，。；）)」]*"
_URL = re.compile(
    rf"\b(?:https?://|ftp://|www\.)(?:www\.)?([\w-]+(?:\.[\w-]+)*)(?::\d+)?(?:[/?#]{_PATH})?", re.ASCII | re.IGNORECASE
)
_EMAIL = re.compile(r"\b(?:mailto:)?([\w.+-]{1,64})@([\w-]{1,63}(?:\.[\w-]{1,63})+)", re.ASCII)
_HOST = re.compile(
    r"(?<![\w.@/])((?:[a-z0-9-]{1,63}\.)+(?:com|org|net|edu|gov|io|ai|dev|tw|uk|de|fr|jp|cn|app))(?![\w.]*\w)"
    rf"(?:/{_PATH})?",
    re.ASCII | re.IGNORECASE,
)
_EMOTICON = re.compile(r"(?<!\S)[:;=]['’]?-?[)(DPpOo/|*3](?!\S)|(?<!\S)<3(?!\S)|(?<!\S)\^_?\^(?!\S)")
_SNAKE = re.compile(r"(?<=[^\W_])_+(?=[^\W_])")
_BLANKS = re.compile(r"[ \t\u00a0\u3000]+")

_SPOKEN_SYMBOLS = frozenset("°℃℉™®©№¦")
_UNSPOKEN_CATEGORIES = frozenset({"So", "Sk", "Cf", "Cn", "Co", "Cs", "Cc"})


def plain(text: str, *, dot: str, at: str) -> str:
    """``text`` without markup, one line per block; ``dot`` and ``at`` say what those are called in an address."""
    text = html.unescape(_FENCED.sub("\n", text))
    text = _ANGLE_LINK.sub(r"\1", text)
    text = _TAG.sub(" ", text)
    text = _TABLE_RULE.sub("", text)
    text = _TABLE_ROW.sub(_row, text)
    text = _RULE.sub("", text)
    text = _HEADING.sub(_heading, text)
    text = _LINE_START.sub("", text)
    # With its full stop, the number of an item would be a sentence of its own.
    text = _NUMBERED.sub(r"\1, ", text)
    text = _IMAGE_OR_LINK.sub(r"\1", text)
    text = _FOOTNOTE.sub("", text)
    text = _CODE.sub(r"\2", text)
    for _ in range(3):  # bold inside italic inside strikethrough
        text = _EMPHASIS.sub(r"\2", text)
    text = _STRAY.sub("", text)
    text = _ESCAPE.sub(r"\1", text)
    text = _EMOTICON.sub(" ", text)
    text = _EMAIL.sub(lambda found: f"{_spell(found[1], dot)}{at}{_spell(found[2], dot)}", text)
    text = _URL.sub(lambda found: _spell(found[1], dot), text)
    text = _HOST.sub(lambda found: _spell(found[1], dot), text)
    text = _SNAKE.sub(" ", text)
    return "\n".join(line for line in map(_line, _without_symbols(text).split("\n")) if line)


def _row(found: re.Match[str]) -> str:
    cells = [cell.strip() for cell in found[1].split("|")]
    return ", ".join(cell for cell in cells if cell) + "."


def _heading(found: re.Match[str]) -> str:
    title = found[1].strip()
    return title if not title or title[-1] in ".!?:。！？：…" else f"{title}."


def _spell(address: str, dot: str) -> str:
    return address.replace(".", dot).replace("_", " ").replace("-", " ")


def _without_symbols(text: str) -> str:
    if text.isascii():
        return text
    return "".join(
        character
        if character in "\n\t"
        or character in _SPOKEN_SYMBOLS
        or unicodedata.category(character) not in _UNSPOKEN_CATEGORIES
        else ("" if unicodedata.category(character) in {"Cf", "Cc"} else " ")
        for character in text
    )


def _line(line: str) -> str:
    return _BLANKS.sub(" ", line).strip()
