"""English in words: hibari's own normaliser, with what it leaves to the lexicon or reads wrongly done here.

The result holds no figures, so it suits an engine without a normaliser too.
"""

import re
from collections.abc import Callable

from hibari.g2p import numbers
from hibari.g2p.normalize import normalize as hibari_normalize

from inference.speech.markup import plain

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SCALES = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion", "t": "trillion"}
_CURRENCIES: dict[str, tuple[str, str, str, str]] = {
    "NT$": ("New Taiwan dollar", "New Taiwan dollars", "cent", "cents"),
    "NTD": ("New Taiwan dollar", "New Taiwan dollars", "cent", "cents"),
    "TWD": ("New Taiwan dollar", "New Taiwan dollars", "cent", "cents"),
    "US$": ("U.S. dollar", "U.S. dollars", "cent", "cents"),
    "USD": ("U.S. dollar", "U.S. dollars", "cent", "cents"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "C$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "S$": ("Singapore dollar", "Singapore dollars", "cent", "cents"),
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "JPY": ("yen", "yen", "sen", "sen"),
    "CN¥": ("yuan", "yuan", "fen", "fen"),
    "RMB": ("yuan", "yuan", "fen", "fen"),
    "元": ("yuan", "yuan", "fen", "fen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "jeon", "jeon"),
}
_UNITS = {
    "m": ("meter", "meters"),
    "g": ("gram", "grams"),
    "l": ("liter", "liters"),
    "L": ("liter", "liters"),
    "mL": ("milliliter", "milliliters"),
    "km²": ("square kilometer", "square kilometers"),
    "m²": ("square meter", "square meters"),
    "m/s": ("meter per second", "meters per second"),
    "h": ("hour", "hours"),
    "s": ("second", "seconds"),
    "V": ("volt", "volts"),
    "W": ("watt", "watts"),
    "px": ("pixel", "pixels"),
    "dB": ("decibel", "decibels"),
}
_SHORT = {"mo": "month", "yr": "year", "wk": "week", "hr": "hour", "min": "minute", "sec": "second"}
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_YEAR_BEFORE = rf"\b(?:in|since|of|year|by|from|until|till|before|after|around|circa|and|to|{_MONTHS}|BC|AD),? $"


def _alternatives(words: dict[str, tuple[str, str, str, str]] | dict[str, tuple[str, str]]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def cardinal(digits: str) -> str:
    """``1,234`` -> one thousand two hundred thirty-four; at most 33 digits, longer ones are read one by one."""
    figure = digits.replace(",", "")
    if len(figure) > 33:
        return _digit_by_digit(figure)
    return str(numbers.cardinal(int(figure))).replace(",", "").replace(" and ", " ")


def _digit_by_digit(figures: str) -> str:
    return " ".join(numbers.ONES[int(figure)] for figure in figures if figure.isdecimal())


def _number(text: str) -> str:
    whole, _, fraction = text.partition(".")
    return cardinal(whole) + (f" point {_digit_by_digit(fraction)}" if fraction else "")


def _ordinal(digits: str) -> str:
    return str(numbers.ordinal(int(digits.replace(",", "")))).replace(",", "").replace(" and ", " ")


def _year(year: int) -> str:
    return str(numbers.year(year)).replace(" and ", " ").replace("oh-", "oh ")


def _decade(found: re.Match[str]) -> str:
    year = int(found[1])
    words = f"{_year(year)}s" if year % 100 == 0 and year >= 1000 else f"{_year(year)[:-1]}ies"
    return words.replace("hundredss", "hundreds")


def _short_decade(found: re.Match[str]) -> str:
    return f"{cardinal(found[1])[:-1]}ies"


def _money(found: re.Match[str]) -> str:
    minus, symbol, amount, scale = found["minus"], found["symbol"], found["amount"], found["scale"]
    one, many, cent, cents = _CURRENCIES[symbol]
    before = "minus " if minus else ""
    if scale:
        return f"{before}{_number(amount)} {_SCALES.get(scale.lower(), scale.lower())} {many}"
    whole, _, fraction = amount.replace(",", "").partition(".")
    if len(fraction) > 2:
        return f"{before}{_number(amount)} {many}"
    units, hundredths = int(whole), int(fraction.ljust(2, "0") or 0)
    parts = []
    if units or not hundredths:
        parts.append(f"{cardinal(whole)} {one if units == 1 else many}")
    if hundredths:
        parts.append(f"{cardinal(str(hundredths))} {cent if hundredths == 1 else cents}")
    return before + " and ".join(parts)


def _phone(found: re.Match[str]) -> str:
    groups = re.findall(r"\d+", found[0])
    plus = "plus " if found[0].startswith("+") else ""
    return plus + ", ".join(_digit_by_digit(group) for group in groups)


def _long_figure(found: re.Match[str]) -> str:
    figures = found[0]
    round_amount = figures[0] != "0" and (len(figures) < 8 or figures.endswith("000"))
    return figures if round_amount else _digit_by_digit(figures)


def _version(found: re.Match[str]) -> str:
    parts = found[0].split(".")
    return (" dot " if len(parts) == 4 else " point ").join(cardinal(part) for part in parts)


def _unit(found: re.Match[str]) -> str:
    one, many = _UNITS[found[2]]
    return f"{found[1]} {one if found[1] == '1' else many}"


def _plain_number(found: re.Match[str]) -> str:
    digits = found["digits"]
    words = _number(digits)
    if len(digits) == 4 and digits.isdecimal() and 1000 <= int(digits) <= 2099:
        before = found.string[: found.start()]
        if int(digits) >= 1900 or re.search(_YEAR_BEFORE, before) or before.endswith("("):
            words = _year(int(digits))
    return ("minus " if found["minus"] else "") + words


_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]
_AMOUNT = rf"(?P<amount>{_NUMBER})(?:\s?(?P<scale>thousand|million|billion|trillion|bn|[kKmMbBtT])\b)?"
_CODES = "€|£|¥|元|NTD|TWD|USD|EUR|GBP|JPY|RMB"
_BEFORE: tuple[_Rule, ...] = (
    (re.compile(r"\d{34,}"), lambda found: _digit_by_digit(found[0])),
    # Said by hibari as "number": "The answer is no."
    (re.compile(r"\b(no)\.(?!\s*\d)", re.IGNORECASE), r"\1 ."),
    (re.compile(r"\be\.\s?g\.,?", re.IGNORECASE), "for example,"),
    (re.compile(r"\bi\.\s?e\.,?", re.IGNORECASE), "that is,"),
    (re.compile(r"\betc\.(?=\s+[A-Z]|\s*$)"), "et cetera."),
    (re.compile(r"\betc\b\.?"), "et cetera"),
    (re.compile(r"\bc\. ?(?=\d{3,4}\b)"), "circa "),
    (re.compile(r"℃"), "°C"),
    (re.compile(r"℉"), "°F"),
    (re.compile(rf"(?P<minus>[-−](?=\S))?(?<![\w])(?P<symbol>{_alternatives(_CURRENCIES)})\s?{_AMOUNT}"), _money),
    (re.compile(rf"(?P<minus>(?<!\w)[-−])?\b{_AMOUNT}\s?(?P<symbol>{_CODES})(?!\w)"), _money),
    (re.compile(r"(?<![\w.])(?:\+\d{1,3}[ -]?)(?:\(?\d{1,4}\)?[ -]?)?\d{2,4}(?:[ -]?\d{2,4}){1,3}(?![\w-])"), _phone),
    (re.compile(r"(?<![\w.])\(\d{2,4}\) ?\d{3,4}[ -]?\d{3,4}(?![\w-])"), _phone),
    (re.compile(r"(?<![\w.-])0\d{1,3}(?:[ -]\d{3,4}){2}(?![\w-])"), _phone),
    (re.compile(r"(?<![\w.-])(?:\d{3}[ -])?\d{3}-\d{4}(?![\w-])"), _phone),
    (re.compile(r"(?<![\w.-])\d{4}(?:[ -]\d{4}){3}(?![\w-])"), _phone),
    (re.compile(r"(?<=\b[Cc]all )\d{3}\b(?! \w+s\b)|(?<=\b[Dd]ial )\d{3}\b"), lambda found: _digit_by_digit(found[0])),
    (re.compile(r"(?<![\w.])\d+(?:\.\d+){2,}(?![\w])"), _version),
    (re.compile(r"(?<![\w.,:/-])\d{5,}(?![\w.,:/-]\d|\w)|(?<![\w.,:/-])0\d+(?![\w.,:/-]\d|\w)"), _long_figure),
    (re.compile(r"(?<![\d:])(\d+):(\d)(?![\d:])"), r"\1 to \2"),
    (re.compile(r"(?<!\w)24/7(?!\w)"), "twenty-four seven"),
    (re.compile(r"(\d)\s?['′]\s?(\d{1,2})\s?[\"″]"), r"\1 foot \2"),
    (re.compile(r"(?<![\w.,])(\d{3}0)['’]?s\b"), _decade),
    (re.compile(r"(?<!\w)['’]?([2-9]0)['’]?s\b(?!\s*\w*%)"), _short_decade),
    (re.compile(r"(?<=\d)\s?x\s?(?=\d)"), " by "),
    (re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))"), ", "),
    (re.compile(r"(?<=\d)x\b"), " times"),
    (re.compile(rf"(?<![\w.$€£])({_NUMBER})\s?({_alternatives(_UNITS)})(?![\w/²³'’])"), _unit),
    (re.compile(rf"({_NUMBER})\s?%"), r"\1 percent"),
    (re.compile(r"‰"), " per mille"),
    (re.compile(r"(?<=\w)\s*&\s*(?=\w)"), " and "),
    (re.compile(r"\s@\s?(?=\w)"), " at "),
    (re.compile(r"C\+\+"), "C plus plus"),
    (re.compile(r"C#"), "C sharp"),
    (re.compile(r"#(?=[A-Za-z])"), "hashtag "),
    (re.compile(r"(?<=\d)\s?[*·]\s?(?=\d)"), " times "),
    (re.compile(r"(?<=\w)\s?\+\s?(?=\w)"), " plus "),
    (re.compile(r"(?<=\d) [-−–] (?=\d+(?:\.\d+)? ?=)"), " minus "),
    (re.compile(r"≈"), " about "),
    (re.compile(r"<=|≤"), " at most "),
    (re.compile(r">=|≥"), " at least "),
    (re.compile(r"!=|≠"), " is not "),
    (re.compile(r"(?<=\w)\s?[-=]>\s?(?=\w)|→|⇒"), " to "),
    (re.compile(r"[<>{}\[\]|\\](?!\s?\d)"), " "),
)  # fmt: skip
_AFTER: tuple[_Rule, ...] = (
    (re.compile(r"(?<=[a-z])/(month|year|week|day|hour|minute|second|person|night)\b"), r" per \1"),
    (re.compile(r"(?<=[a-z])/(mo|yr|wk|hr|min|sec)\b"), lambda found: f" per {_SHORT[found[1]]}"),
    (re.compile(r"\bDr\b\.?(?= [A-Z])"), "Doctor"),
    (re.compile(r"\bMr\b\.?(?= [A-Z])"), "Mister"),
    (re.compile(r"\bMrs\b\.?(?= [A-Z])"), "Missus"),
    (re.compile(r"(?<=[A-Za-z])-(?=\d)"), " "),
    (re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d{1,18})(?:st|nd|rd|th)\b"), lambda found: _ordinal(found[1])),
    (re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])"), " "),
    (re.compile(rf"(?P<minus>(?<![\w.,)])[-−]\s?)?(?P<digits>{_NUMBER})"), _plain_number),
    (re.compile(r"[ \t]+([,.;:!?])"), r"\1"),
    (re.compile(r",(?:\s*,)+"), ","),
    (re.compile(r"[ \t]+"), " "),
)


def _apply(rules: tuple[_Rule, ...], text: str) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


def in_words(text: str) -> str:
    """English ``text`` with its figures, signs and abbreviations in words; lines are kept."""
    return "\n".join(filter(None, (_line(line) for line in plain(text, dot=" dot ", at=" at ").split("\n"))))


def _line(line: str) -> str:
    line = line.replace("’", "'")
    line = _apply(_BEFORE, line)
    line = str(hibari_normalize(line))
    return _apply(_AFTER, line).strip()
