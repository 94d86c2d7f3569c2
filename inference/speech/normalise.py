"""Written text made fit to be spoken: what a careful reader would say where the text has signs and figures."""

import re

_SPEAKABLE = re.compile(r"[^\W_]")


def speakable(text: str, language: str) -> str:
    """``text`` in words, one line per block; empty when there is nothing to say.

    language: BCP-47 tag. English and Chinese figures are written out; in other languages only markup is removed.
    Markdown, emoji and the paths of links are dropped, fenced code is not read. Saying it twice changes nothing.
    """
    if not text or text.isspace():
        return ""
    match language.partition("-")[0].lower():
        case "zh" | "yue" | "cmn":
            from inference.speech import chinese  # noqa: PLC0415 - number words are loaded for those who need them

            spoken = chinese.in_words(text, language)
        case "en":
            from inference.speech import english  # noqa: PLC0415

            spoken = english.in_words(text)
        case _:
            from inference.speech.markup import plain  # noqa: PLC0415

            spoken = plain(text, dot=". ", at=" @ ")
    return spoken if _SPEAKABLE.search(spoken) else ""


def warm(language: str) -> None:
    """Loads what the language needs (0.1 s), so that the first sentence does not wait for it. Blocks."""
    speakable("1 一", language)
