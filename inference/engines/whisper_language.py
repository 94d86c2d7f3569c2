"""Language tags in and out of Whisper, and the script that Chinese is written in (docs/adr/0043)."""

import functools
import re

from opencc import OpenCC

from inference.chinese_script import ChineseScript, script_of, subtags
from inference.errors import EngineRefused

_CJK = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_NO_SPACES = frozenset({"zh", "yue", "ja", "th", "lo", "my", "bo", "km"})
_ALIASES = {"cmn": "zh", "nb": "no", "fil": "tl", "iw": "he", "jv": "jw", "in": "id"}
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


def in_script(text: str, tag: str, unsaid: ChineseScript = "traditional") -> str:
    """Chinese in the script of its tag; a tag that tells none, such as a bare zh, in the ``unsaid`` one.

    Whisper writes either, by chance. Characters are converted, words are not (s2tw, not s2twp): the transcript says
    what was said. Text in other languages comes back as it is.
    """
    script = script_of(tag, unsaid)
    if script is None:
        return text
    traditional = "s2hk" if subtags(tag) & _HONG_KONG else "s2tw"
    profile = traditional if script == "traditional" else "t2s"
    return _wide_punctuation(_converter(profile).convert(text))


def _wide_punctuation(text: str) -> str:
    """Whisper mixes both widths; after a Chinese character it is the full one."""
    return re.sub(rf"({_CJK})([,?!:;])\s*", lambda m: m[1] + m[2].translate(_WIDE), text)


@functools.cache
def _converter(profile: str) -> OpenCC:
    return OpenCC(profile)
