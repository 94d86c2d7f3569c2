"""Written text becomes words that can be spoken."""

import re
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.speech.normalise import speakable
from inference.speech.phrases import PHRASE_KEYS, phrase

ENGLISH = [
    ("Meet at 3:30 pm on 5/6/2024.", "Meet at three thirty P.M. on May sixth, twenty twenty-four."),
    ("at 14:05, 9:00 or 5 p.m.", "at fourteen oh five, nine o'clock or five p.m."),
    ("It is 5pm", "It is five pm"),
    ("Jan 5, 2024; 2024-05-06", "January fifth, twenty twenty-four; May sixth, twenty twenty-four"),
    ("In 1999, 2005 and 1066", "In nineteen ninety-nine, two thousand five and ten sixty-six"),
    ("the 1990s, the 80s, the 1900s", "the nineteen nineties, the eighties, the nineteen hundreds"),
    ("Lincoln (1809–1865)", "Lincoln (eighteen oh nine to eighteen sixty-five)"),
    ("1500 people", "one thousand five hundred people"),
    ("$1,234.50", "one thousand two hundred thirty-four dollars and fifty cents"),
    ("$1, $1.01, $0.50, $0", "one dollar, one dollar and one cent, fifty cents, zero dollars"),
    ("-$5", "minus five dollars"),
    ("NT$500 and NT$ 1,500", "five hundred New Taiwan dollars and one thousand five hundred New Taiwan dollars"),
    ("€20, £3.5, ¥1000", "twenty euros, three pounds and fifty pence, one thousand yen"),
    ("US$20 or 20 USD", "twenty U.S. dollars or twenty U.S. dollars"),
    ("500元", "five hundred yuan"),
    ("$5M, $3.2 billion", "five million dollars, three point two billion dollars"),
    ("50% of 3.14", "fifty percent of three point one four"),
    ("50-60%", "fifty to sixty percent"),
    ("-5°C, 20℃, 70°F", "minus five degrees Celsius, twenty degrees Celsius, seventy degrees Fahrenheit"),
    ("5 km/h, 1 kg, 100m", "five kilometers per hour, one kilogram, one hundred meters"),
    ("3 GB, 70lbs, 0.5 mL", "three gigabytes, seventy pounds, zero point five milliliters"),
    ("5'10\" tall", "five foot ten tall"),
    ("1,000,000 ants, 1,000th", "one million ants, one thousandth"),
    ("3rd, 21st, 112th", "third, twenty-first, one hundred twelfth"),
    ("10-20 people, 2/3 cup, ½ cup", "ten to twenty people, two thirds cup, one half cup"),
    ("5 × 3 = 15", "five times three equals fifteen"),
    ("5 - 3 = 2, 1 + 1 = 2", "five minus three equals two, one plus one equals two"),
    ("2:1 ratio", "two to one ratio"),
    ("Dr. Smith and Mr. Jones", "Doctor Smith and Mister Jones"),
    ("fruit, e.g. apples, etc.", "fruit, for example, apples, et cetera."),
    ("that is, i.e. this", "that is, that is, this"),
    ("The answer is no. Good.", "The answer is no. Good."),
    ("No. 5 and #3", "Number five and number three"),
    ("call 0912-345-678", "call zero nine one two, three four five, six seven eight"),
    ("(555) 123-4567", "five five five, one two three, four five six seven"),
    ("+886 912 345 678", "plus eight eight six, nine one two, three four five, six seven eight"),
    ("call 911", "call nine one one"),
    ("4532 1234 5678 9010", "four five three two, one two three four, five six seven eight, nine zero one zero"),
    ("id 12345678, 10000000 people", "id one two three four five six seven eight, ten million people"),
    ("$5.99/month or $60/yr", "five dollars and ninety-nine cents per month or sixty dollars per year"),
    ("built c. 1600", "built circa sixteen hundred"),
    ("1. Apples\n2) Pears", "one, Apples\ntwo, Pears"),
    ("version 3.11.2", "version three point eleven point two"),
    ("Henry VIII, Chapter IV", "Henry the eighth, Chapter four"),
    ("GPT-4o, MP3", "GPT four o, MP three"),
    ("A & B, C++, 24/7", "A and B, C plus plus, twenty-four seven"),
    ("x >= 5", "x at least five"),
    ("**Bold** *it* ~~gone~~ `x`", "Bold it gone x"),
    ("**cut in", "cut in"),
    ("half**", "half"),
    ("# Title\nText", "Title.\nText"),
    ("- a\n- [x] b\n> q", "a\nb\nq"),
    ("[here](https://a.b/c_(d)) ![cat](c.png)", "here cat"),
    ("see https://www.github.com/a/b?c=1.", "see github dot com"),
    ("see www.example.org, please", "see example dot org, please"),
    ("mail me.you@x.org", "mail me dot you at x dot org"),
    ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a, b.\none, two."),
    ("Run:\n```py\nx = 1\n```\nDone", "Run:\nDone"),
    ("Hello 😀 wor👨‍👩‍👧ld :) <3", "Hello wor ld"),
    ("snake_case_name, 5 * 3", "snake case name, five times three"),
    ("a &amp; b <br> c", "a and b c"),
    ("It’s fine — really…", "It's fine — really…"),
]  # fmt: skip
CHINESE = [
    ("今天是2024年5月6日，下午3:30開會。", "今天是二零二四年五月六日，下午三點三十分開會。"),
    ("2024/12/25和2024-01-01", "二零二四年十二月二十五日和二零二四年一月一日"),
    ("2008年到2010年間，1990年代", "二零零八年到二零一零年間，一九九零年代"),
    ("2:30 pm、12:05、10:00、5pm見", "下午兩點三十分、十二點零五分、十點、下午五點見"),
    ("NT$1,234，$50.50，€20，￥500", "一千兩百三十四元，五十點五美元，二十歐元，五百日圓"),
    ("$5M、-$5", "五百萬美元、負五美元"),
    ("濕度50%，30-50%，-3%", "濕度百分之五十，百分之三十到五十，負百分之三"),
    ("氣溫-5°C到20℃，23°", "氣溫攝氏零下五度到攝氏二十度，二十三度"),
    ("2個人、12個、2000元、第2名、2月2日、2年前", "兩個人、十二個、兩千元、第二名、二月二日、兩年前"),
    ("22年、102、1005、1,000,000、3.14", "二十二年、一百零二、一千零五、一百萬、三點一四"),
    ("10000000人，12345678，007", "一千萬人，一二三四五六七八，零零七"),
    ("電話0912-345-678", "電話零九一二，三四五，六七八"),
    ("請撥打119。", "請撥打一一九。"),
    ("1/2是一半，5/20見面", "二分之一是一半，五月二十日見面"),
    ("跑了5km，重10kg", "跑了五公里，重十公斤"),
    ("1+1=2，5-3=2，3×4=12，比分2:1", "一加一等於二，五減三等於二，三乘四等於十二，比分二比一"),
    ("他的iPhone 15用GPT-4。", "他的iPhone 十五用GPT 四。"),
    ("**粗體**和`程式`，請看[這裡](https://a.b/c)。😀", "粗體和程式，請看這裡。"),
    ("# 標題\n- 第一\n- 第二", "標題。\n第一\n第二"),
    ("NT$300/月", "三百元每月"),
    ("1. 蘋果\n2. 香蕉", "一，蘋果\n二，香蕉"),
    ("版本3.11.2", "版本三點十一點二"),
]  # fmt: skip
NOTHING = [
    "",
    "  \n",
    "---",
    "...",
    "😀🎉",
    "```\ncode\n```",
    "```\nopen",
    "|---|---|",
    "**",
    "<br>",
    "—",
    "。！",
    "\u200b",
]

HOSTILE = [
    "*",
    "_",
    "`",
    "[",
    "(",
    "<",
    "1",
    "1,",
    "1-",
    "$",
    "> ",
    "# ",
    "| ",
    "a@",
    "http://",
    "*a ",
    "~~",
    "1:",
    "2/",
    "+1 ",
    "-",
    "。",
    "a_",
    "\n",
    "```\n",
]


@pytest.mark.parametrize(("text", "spoken"), ENGLISH)
def test_english_is_said_in_words(text: str, spoken: str) -> None:
    assert speakable(text, "en-US") == spoken


@pytest.mark.parametrize(("text", "spoken"), CHINESE)
def test_mandarin_is_said_in_words(text: str, spoken: str) -> None:
    assert speakable(text, "zh-TW") == spoken


def test_the_mainland_reads_its_own_currency() -> None:
    assert speakable("¥500", "zh-CN") == "五百人民幣"


@pytest.mark.parametrize("language", ["en", "zh-TW", "fr"])
@pytest.mark.parametrize("text", NOTHING)
def test_nothing_to_say_is_empty(text: str, language: str) -> None:
    assert speakable(text, language) == ""


def test_other_languages_lose_their_markup_only() -> None:
    assert speakable("**Bonjour**, il est 15:30 😀", "fr") == "Bonjour, il est 15:30"


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_what_is_in_words_stays(language: str) -> None:
    for text, _ in ENGLISH + CHINESE:
        once = speakable(text, language)
        assert speakable(once, language) == once


@given(st.text(max_size=200) | st.text(alphabet="0123456789.,:/-+$% €NT°C()年月日点apm*_`[]|#\n", max_size=200))
@settings(max_examples=300, deadline=None)
@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_any_text_is_taken_and_no_figure_remains(language: str, text: str) -> None:
    assert not re.search(r"[0-9]", speakable(text, language))


@pytest.mark.parametrize("language", ["en", "zh-TW"])
@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_takes_no_longer_than_its_length(unit: str, language: str) -> None:
    def cost(length: int) -> float:
        start = time.thread_time()
        speakable(unit * (length // len(unit)), language)
        return time.thread_time() - start

    speakable("warm", language)
    assert min(cost(4000) for _ in range(2)) < 0.25


@pytest.mark.parametrize(("language", "cases"), [("en", ENGLISH), ("zh-TW", CHINESE)])
def test_a_sentence_takes_less_than_a_millisecond(language: str, cases: list[tuple[str, str]]) -> None:
    def cost() -> float:
        start = time.thread_time()
        for text, _ in cases:
            speakable(text, language)
        return (time.thread_time() - start) / len(cases)

    assert min(cost() for _ in range(5)) < 0.001


def test_importing_loads_no_number_words() -> None:
    """The web process imports this; what only one language needs comes with its first sentence."""
    code = (
        "import sys, inference.speech.normalise, inference.speech.phrases, inference.speech.sentences; "
        "print([m for m in ('cn2an', 'hibari', 'onnxruntime', 'numpy', 'jieba') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("key", PHRASE_KEYS)
def test_every_phrase_has_both_languages_and_can_be_spoken(key: str) -> None:
    english, chinese = (phrase(key, language) for language in ("en-GB", "zh-TW"))  # type: ignore[arg-type]
    assert speakable(english, "en") == english
    assert speakable(chinese, "zh-TW") == chinese
    assert english.isascii()
    assert not chinese.isascii()
    assert phrase(key, "fr") == english  # type: ignore[arg-type]
