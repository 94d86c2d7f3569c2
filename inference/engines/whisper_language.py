"""Language tags in and out of Whisper, and the script that Chinese is written in (docs/adr/0043)."""

import functools
import re

from opencc import OpenCC

from inference.errors import EngineRefused

_CJK = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_NO_SPACES = frozenset({"zh", "yue", "ja", "th", "lo", "my", "bo", "km"})
_ALIASES = {"cmn": "zh", "nb": "no", "fil": "tl", "iw": "he", "jv": "jw", "in": "id"}
_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})
_HONG_KONG = frozenset({"hk", "mo"})
_WIDE = str.maketrans(",?!:;", "，？！：；")


def code_of(tag: str, known: frozenset[str]) -> str:
    """Whisper's code for a BCP-47 tag (``en-US`` -> ``en``); `EngineRefused` if the model does not know it."""
    primary = tag.replace("_", "-").split("-")[0].lower()
    code = _ALIASES.get(primary, primary)
    if code not in known:
        raise EngineRefused(f"The speech recognition model does not know the language {tag[:35]!r}.")
    return code


def joiner(code: str) -> str:
    """What stands between two pieces of text in this language."""
    return "" if code in _NO_SPACES else " "


def in_script(text: str, tag: str) -> str:
    """Chinese in the script of its tag: Traditional for zh-TW, zh-Hant, zh-HK; else Simplified, as for a bare zh.

    Whisper writes either, by chance. Characters are converted, words are not (s2tw, not s2twp): the transcript says
    what was said. Text in other languages comes back as it is.
    """
    subtags = {part.lower() for part in tag.replace("_", "-").split("-")}
    if not subtags & {"zh", "cmn", "yue"}:
        return text
    if subtags & _HONG_KONG:
        profile = "s2hk"
    elif subtags & _TRADITIONAL or "yue" in subtags:
        profile = "s2tw"
    else:
        profile = "t2s"
    return _wide_punctuation(_converter(profile).convert(text))


def _wide_punctuation(text: str) -> str:
    """Whisper mixes both widths; after a Chinese character it is the full one."""
    return re.sub(rf"({_CJK})([,?!:;])\s*", lambda m: m[1] + m[2].translate(_WIDE), text)


@functools.cache
def _converter(profile: str) -> OpenCC:
    return OpenCC(profile)
