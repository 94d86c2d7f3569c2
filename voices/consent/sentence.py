"""Making the sentence that is to be read."""

import secrets

import msgspec

from voices.consent import wordlist
from voices.events import Scope
from voices.languages import Language

WORDS_ASKED = 6
_random = secrets.SystemRandom()
_SAYS: dict[tuple[Language, Scope], str] = {
    ("en", "self"): "I lend my voice to Avatar, for myself alone. My words are: {words}.",
    ("en", "shared"): "I lend my voice to Avatar, for everybody here. My words are: {words}.",
    ("zh-TW", "self"): "我把我的聲音借給阿凡達，只給我自己使用。我的六個詞是：{words}。",
    ("zh-TW", "shared"): "我把我的聲音借給阿凡達，讓這裡的每個人使用。我的六個詞是：{words}。",
}
_BETWEEN: dict[Language, str] = {"en": ", ", "zh-TW": "、"}


class Sentence(msgspec.Struct, frozen=True):
    text: str
    words: tuple[str, ...]


def make(language: Language, scope: Scope) -> Sentence:
    """Six words that nobody could know before, in a sentence that says what is consented to.

    Of 200 words there are 6 * 10^13 such rows: a recording made for another occasion does not fit.
    """
    words = tuple(_random.sample(wordlist.words(language), WORDS_ASKED))
    return Sentence(_SAYS[language, scope].format(words=_BETWEEN[language].join(words)), words)
