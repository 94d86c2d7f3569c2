"""Text to phonemes."""

import pytest

from inference.engines.kokoro import clauses
from inference.speech.mandarin import MandarinPhonemes, syllable
from inference.speech.pronunciation import english_g2p, english_phonemes


@pytest.fixture(scope="module")
def mandarin() -> MandarinPhonemes:
    return MandarinPhonemes(english_phonemes)


@pytest.mark.parametrize(
    ("initial", "final", "tone", "phonemes"),
    [
        ("zh", "ong", "1", "ꭧʊ→ŋ"),
        ("sh", "i", "4", "ʂɨ↘"),
        ("c", "i", "2", "ʦʰɨ↗"),
        ("n", "v", "3", "ny↓"),
        ("x", "van", "2", "ɕɥɛ↗n"),
        ("", "iou", "3", "jou↓"),
        ("g", "uei", "4", "kwei↘"),
        ("b", "o", "1", "pwo→"),
        ("", "o", "2", "ɔ↗"),
        ("", "er", "2", "ɚ↗"),
        ("m", "a", "5", "ma"),
        ("", "xyz", "1", ""),
    ],
)
def test_a_syllable_is_spelt_with_its_tone_after_the_vowel(initial: str, final: str, tone: str, phonemes: str) -> None:
    assert syllable(initial, final, tone) == phonemes


def test_a_sentence_in_words_with_pauses(mandarin: MandarinPhonemes) -> None:
    assert mandarin("我們一起去，好嗎？") == "wo↓mən i↘ʨʰi↓ ʨʰy↘, xau↓ ma?"


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("銀行", "xa↗ŋ"),
        ("行李", "ɕi↗ŋ"),
        ("長大", "ꭧa↓ŋ"),
        ("長城", "ꭧʰa↗ŋ"),
        ("音樂", "ɥe↘"),
        ("快樂", "lɤ↘"),
        ("嗯", "ə→n"),
    ],
)
def test_words_decide_how_a_character_is_read(mandarin: MandarinPhonemes, text: str, reading: str) -> None:
    assert reading in mandarin(text)


def test_traditional_and_simplified_sound_the_same(mandarin: MandarinPhonemes) -> None:
    assert mandarin("圖書館裡有很多關於歷史的書。") == mandarin("图书馆里有很多关于历史的书。")


def test_every_common_character_has_phonemes_that_the_voice_knows(mandarin: MandarinPhonemes) -> None:
    import json
    from importlib import resources

    known = set(json.loads((resources.files("hibari") / "assets/vocab.json").read_text("utf-8")))
    # Level 1 of GB 2312: the 3755 most used characters.
    common = bytes(b for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF) for b in (row, cell))
    characters = common.decode("gb2312", errors="ignore")
    assert len(characters) >= 3755
    silent = [character for character in characters if not mandarin(character)]
    assert silent == []
    assert set(mandarin(characters)) <= known


def test_english_within_mandarin_is_pronounced_as_english(mandarin: MandarinPhonemes) -> None:
    phonemes = mandarin("我用computer上課。")
    assert english_phonemes("computer") in phonemes
    assert mandarin("我用").split()[0] in phonemes


def test_no_is_not_read_as_number() -> None:
    assert english_phonemes("I said no.") == "ˌI sˈɛd nˈO."


def test_british_pronunciation_differs_and_shares_what_it_can() -> None:
    assert english_phonemes("I dance.", british=True) != english_phonemes("I dance.")
    assert english_g2p(british=True).tagger is english_g2p().tagger
    assert english_g2p() is english_g2p()


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("今天天氣很好，我們一起去公園散步吧。", ["今天天氣很好，", "我們一起去公園散步吧。"]),
        ("好，我知道了，謝謝。", ["好，我知道了，謝謝。"]),
        ("蘋果、香蕉、橘子。", ["蘋果、香蕉、橘子。"]),
        ("Well, of course, I can.", ["Well, of course, I can."]),
        (
            "If it rains tomorrow morning, we will stay at home all day.",
            ["If it rains tomorrow morning, ", "we will stay at home all day."],
        ),
        ("。", ["。"]),
    ],
)
def test_clauses_are_neither_short_nor_lost(sentence: str, expected: list[str]) -> None:
    assert clauses(sentence) == expected
