"""The words of consent sentences: common, of two or three syllables, none sounding like another of its list.

All were heard rightly, among others, when the embedded voices read them to Whisper base (tests/voices).
"""

import functools
from pathlib import Path

from voices.languages import Language


@functools.cache
def words(language: Language) -> tuple[str, ...]:
    """The words of ``words.LANGUAGE.txt`` beside this file."""
    return tuple(Path(__file__).with_name(f"words.{language}.txt").read_text(encoding="utf-8").split())
