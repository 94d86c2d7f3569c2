"""Every word of the pages has its translation, and the compiled catalogues are those of the texts."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import ROOT

CATALOGUES = ROOT / "templates" / "locale" / "zh_Hant" / "LC_MESSAGES"
ENTRY = re.compile(r'^msgid "(?P<id>.*)"\nmsgstr "(?P<text>.*)"$', re.MULTILINE)
IN_TEMPLATES = re.compile(r"""{%\s*translate\s+(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')\s*%}""")
BLOCK = re.compile(r"{%\s*blocktranslate[^%]*%}(?P<text>.*?){%\s*endblocktranslate\s*%}", re.DOTALL)
MARKS = {"_", "gettext", "gettext_lazy"}
IN_SCRIPTS = re.compile(r'gettext\(\s*"(?P<text>(?:[^"\\]|\\.)*)"\s*\)')


def entries(domain: str) -> dict[str, str]:
    text = (CATALOGUES / f"{domain}.po").read_text(encoding="utf-8")
    return {entry["id"].replace('\\"', '"'): entry["text"] for entry in ENTRY.finditer(text) if entry["id"]}


def said_by_templates() -> set[str]:
    said: set[str] = set()
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        said |= {match["double"] or match["single"] for match in IN_TEMPLATES.finditer(text)}
        said |= {re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", match["text"]) for match in BLOCK.finditer(text)}
    return said


def said_by_programs() -> Iterator[str]:
    """What Python code marks for translation, as one string however many lines it is written on."""
    for folder in ("avatar_project", "common", "conversations", "voices"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
                    (text, *_) = node.args
                    if isinstance(text, ast.Constant):
                        yield str(text.value)


def said_by_the_server() -> set[str]:
    return said_by_templates() | set(said_by_programs())


def said_by_scripts() -> set[str]:
    paths = (ROOT / "static" / "js").rglob("*.js")
    return {match["text"] for path in paths for match in IN_SCRIPTS.finditer(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize(("domain", "said"), [("django", said_by_the_server), ("djangojs", said_by_scripts)])
def test_every_text_is_translated_and_none_is_left_over(domain: str, said: object) -> None:
    assert callable(said)
    translated = entries(domain)
    assert set(translated) == said()
    assert [text for text, translation in translated.items() if not translation] == []


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_a_translation_has_the_same_places_to_fill(domain: str) -> None:
    places = re.compile(r"%\(\w+\)s")
    for text, translation in entries(domain).items():
        assert sorted(places.findall(text)) == sorted(places.findall(translation)), text


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_the_compiled_catalogue_is_in_step(domain: str) -> None:
    compiled = Path(CATALOGUES / f"{domain}.mo")
    with compiled.open("rb") as file:
        translations = gettext.GNUTranslations(file)
    for text, translation in entries(domain).items():
        assert translations.gettext(text) == translation, f"{text!r}: run `django-admin compilemessages`"
