"""Mandarin text to the phonemes that Kokoro's voices were trained on: IPA with arrows for the tones.

Polyphones are read by pypinyin's dictionaries of words. The syllable table follows the usual analysis of Standard
Chinese (Duanmu, The Phonology of Standard Chinese, 2007; Lin, The Sounds of Chinese, 2007).
"""

import re
from collections.abc import Callable

import opencc
from pypinyin import Style, lazy_pinyin
from pypinyin.contrib.mmseg import seg

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_RUN = re.compile(rf"([{_HAN}]+)|([A-Za-zÀ-ÖØ-öø-ÿ][A-Za-zÀ-ÖØ-öø-ÿ'’ .-]*)|([^{_HAN}A-Za-zÀ-ÖØ-öø-ÿ]+)")
_PUNCTUATION = str.maketrans({
    "、": ", ", "，": ", ", "。": ". ", "．": ". ", "！": "! ", "：": ": ", "；": "; ", "？": "? ", "…": "… ",
    "「": " “", "」": "” ", "『": " “", "』": "” ", "《": " “", "》": "” ", "【": " “", "】": "” ",
    "«": " “", "»": "” ", "（": " (", "）": ") ", "—": "—", "–": "—", "·": " ", "\n": " ",
})  # fmt: skip

_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_INITIALS = {
    "": "", "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k", "k": "kʰ",
    "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s",
}  # fmt: skip
# What stands before the tone mark and after it; the mark follows the syllable's vowel.
_FINALS: dict[str, tuple[str, str]] = {
    "a": ("a", ""), "ai": ("ai", ""), "an": ("a", "n"), "ang": ("a", "ŋ"), "ao": ("au", ""),
    "o": ("wo", ""), "ou": ("ou", ""), "ong": ("ʊ", "ŋ"),
    "e": ("ɤ", ""), "ei": ("ei", ""), "en": ("ə", "n"), "eng": ("ə", "ŋ"), "er": ("ɚ", ""), "ê": ("ɛ", ""),
    "i": ("i", ""), "ia": ("ja", ""), "ian": ("jɛ", "n"), "iang": ("ja", "ŋ"), "iao": ("jau", ""), "ie": ("je", ""),
    "in": ("i", "n"), "ing": ("i", "ŋ"), "iong": ("jʊ", "ŋ"), "iou": ("jou", ""), "io": ("jɔ", ""),
    "u": ("u", ""), "ua": ("wa", ""), "uai": ("wai", ""), "uan": ("wa", "n"), "uang": ("wa", "ŋ"), "uei": ("wei", ""),
    "uen": ("wə", "n"), "ueng": ("wə", "ŋ"), "uo": ("wo", ""),
    "v": ("y", ""), "ve": ("ɥe", ""), "van": ("ɥɛ", "n"), "vn": ("y", "n"),
    "m": ("m", ""), "n": ("n", ""), "ng": ("ŋ", ""),
}  # fmt: skip
_APICAL = frozenset({"zh", "ch", "sh", "r", "z", "c", "s"})
"""After these, pinyin's i is the syllabic consonant that the alphabet writes ɨ."""


def syllable(initial: str, final: str, tone: str) -> str:
    """Phonemes of one pinyin syllable: ``("zh", "ong", "1")`` -> ``ꭧʊ→ŋ``; empty when there is no such syllable."""
    if final == "i" and initial in _APICAL:
        vowel, coda = "ɨ", ""
    elif final == "o" and not initial:
        vowel, coda = "ɔ", ""
    else:
        vowel, coda = _FINALS.get(final, ("", ""))
    if not vowel or initial not in _INITIALS:
        return ""
    return f"{_INITIALS[initial]}{vowel}{_TONES.get(tone, '')}{coda}"


class MandarinPhonemes:
    """Callable: Mandarin text, Traditional or Simplified, perhaps with English words, to phonemes.

    ``english`` gives the phonemes of a run of Latin letters. Words are told apart by the dictionary that also says how
    they are read.
    """

    def __init__(self, english: Callable[[str], str]) -> None:
        self._english = english
        # The dictionaries of words are in Simplified characters.
        self._simplify = opencc.OpenCC("t2s").convert

    def __call__(self, text: str) -> str:
        parts: list[str] = []
        # 嗯 is written ng, a syllable without a vowel that the alphabet cannot spell.
        for han, latin, other in _RUN.findall(str(self._simplify(text)).replace("嗯", "恩")):
            if han:
                parts.append(" ".join(filter(None, map(_word, seg.cut(han)))))
            elif latin:
                parts.append(f" {self._english(latin)} ")
            else:
                parts.append(other.translate(_PUNCTUATION))
        return " ".join("".join(parts).split())


def _word(word: str) -> str:
    initials = lazy_pinyin(word, style=Style.INITIALS, strict=True, errors="ignore")
    finals = lazy_pinyin(word, style=Style.FINALS_TONE3, strict=True, neutral_tone_with_five=True, errors="ignore")
    return "".join(
        syllable(initial, final.rstrip("12345"), final[-1:]) for initial, final in zip(initials, finals, strict=True)
    )
