"""Mandarin in words: figures by cn2an, and the readings that depend on what stands around them."""

import re
from collections.abc import Callable

import cn2an

from inference.speech.markup import plain

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_DIGITS = "零一二三四五六七八九"
_TRADITIONAL = str.maketrans("万亿负点", "萬億負點")
_MAX_DIGITS = 16
_BIG = {"k": "千", "K": "千", "m": "百萬", "M": "百萬", "million": "百萬", "b": "十億", "B": "十億", "billion": "十億"}
_CURRENCIES = {
    "NT$": "元",
    "NTD": "元",
    "TWD": "元",
    "US$": "美元",
    "USD": "美元",
    "HK$": "港幣",
    "HKD": "港幣",
    "A$": "澳幣",
    "C$": "加幣",
    "S$": "新幣",
    "$": "美元",
    "€": "歐元",
    "EUR": "歐元",
    "£": "英鎊",
    "GBP": "英鎊",
    "¥": "日圓",
    "JPY": "日圓",
    "CN¥": "人民幣",
    "RMB": "人民幣",
    "CNY": "人民幣",
    "₩": "韓元",
    "₹": "盧比",
}
_UNITS = {
    "km/h": "公里每小時",
    "km²": "平方公里",
    "m²": "平方公尺",
    "m/s": "公尺每秒",
    "km": "公里",
    "cm": "公分",
    "mm": "毫米",
    "m": "公尺",
    "kg": "公斤",
    "mg": "毫克",
    "g": "公克",
    "mL": "毫升",
    "ml": "毫升",
    "L": "公升",
    "kWh": "度電",
    "kW": "千瓦",
    "W": "瓦",
    "GHz": "吉赫",
    "MHz": "兆赫",
    "Hz": "赫茲",
    "min": "分鐘",
    "hr": "小時",
    "ms": "毫秒",
    "s": "秒",
    "dB": "分貝",
}
# 2 is 兩 when it counts, 二 when it numbers.
_COUNTED = (
    "個|位|隻|只|杯|本|天|年(?!級)|週|周|次|小時|分鐘|點|条|條|張|台|輛|間|家|件|種|倍|歲|元|塊|公|千|萬|億|份|名|座|頁|部"
    "|碗|瓶|盒|雙|對|步|者|人|国|國|半"
)


def _digits(figures: str) -> str:
    return "".join(_DIGITS[int(figure)] for figure in figures if figure.isdecimal())


def cardinal(figure: str) -> str:
    """``1,234.5`` -> 一千兩百三十四點五."""
    figure = figure.replace(",", "")
    whole, _, fraction = figure.partition(".")
    if len(whole) > _MAX_DIGITS:
        return _digits(figure)
    words = str(cn2an.an2cn(str(int(whole)), "low")).translate(_TRADITIONAL)
    words = re.sub(r"(?<!十)二(?=[百千萬億])", "兩", words)
    return words + (f"點{_digits(fraction)}" if fraction else "")


def _counted(figure: str) -> str:
    return "兩" if figure == "2" else cardinal(figure)


def _date(found: re.Match[str]) -> str:
    month, day = int(found["month"]), int(found["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found[0]
    year = found["year"]
    return (f"{_digits(year)}年" if year else "") + f"{cardinal(str(month))}月{cardinal(str(day))}日"


def _slashed(found: re.Match[str]) -> str:
    first, second = int(found[1]), int(found[2])
    if 0 < first < second <= 10:
        return f"{cardinal(found[2])}分之{cardinal(found[1])}"
    if 1 <= first <= 12 and 1 <= second <= 31:
        return f"{cardinal(str(first))}月{cardinal(str(second))}日"
    return f"{cardinal(found[2])}分之{cardinal(found[1])}" if second else found[0]


def _time(found: re.Match[str]) -> str:
    hour, minute = int(found["hour"]), int(found["minute"])
    if hour > 24 or minute > 59:
        return found[0]
    half = {"a": "上午", "p": "下午"}.get((found["half"] or "").lower()[:1], "")
    words = f"{half}{_counted(str(hour))}點"
    if minute:
        words += ("零" if minute < 10 else "") + f"{cardinal(str(minute))}分"
    if found["second"]:
        words += f"{cardinal(found['second'])}秒"
    return words


def _hour(found: re.Match[str]) -> str:
    return f"{'上午' if found[2].lower() == 'a' else '下午'}{_counted(found[1])}點"


def _money(found: re.Match[str]) -> str:
    minus = "負" if found["minus"] else ""
    scale = _BIG.get(found["scale"] or "", "")
    amount = found["amount"]
    # Prices are said without the noughts of their cents.
    amount = amount.rstrip("0").rstrip(".") if "." in amount else amount
    return f"{minus}{_counted(amount) if not scale else cardinal(amount)}{scale}{_CURRENCIES[found['symbol']]}"


def _degrees(found: re.Match[str]) -> str:
    scale = found["scale"] or {"℃": "C", "℉": "F"}.get(found["sign"] or "", "")
    name = {"C": "攝氏", "F": "華氏"}.get(scale, "")
    return f"{name}{'零下' if found['minus'] else ''}{cardinal(found['number'])}度"


def _percent(found: re.Match[str]) -> str:
    sign = "負" if found["minus"] else ""
    if found["to"]:
        return f"{sign}百分之{cardinal(found['number'])}到{cardinal(found['to'])}"
    return f"{sign}百分之{cardinal(found['number'])}"


def _phone(found: re.Match[str]) -> str:
    return ("加" if found[0].startswith("+") else "") + "，".join(map(_digits, re.findall(r"\d+", found[0])))


def _long_figure(found: re.Match[str]) -> str:
    figures = found[0]
    return figures if figures[0] != "0" and (len(figures) < 8 or figures.endswith("000")) else _digits(figures)


def _unit(found: re.Match[str]) -> str:
    return _counted(found[1]) + _UNITS[found[2]]


def _version(found: re.Match[str]) -> str:
    return "點".join(cardinal(part) for part in found[0].split("."))


def _plain_number(found: re.Match[str]) -> str:
    return ("負" if found["minus"] else "") + cardinal(found["digits"])


def _names(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]
_AMOUNT = rf"(?P<amount>{_NUMBER})(?:\s?(?P<scale>million|billion|[kKmMbB])(?![A-Za-z]))?"
_CLOCK = r"(?P<hour>\d{1,2})[:：](?P<minute>\d{2})(?:[:：](?P<second>\d{2}))?(?!\d)"
_HALF = r"(?P<half>[AaPp])\.?[Mm](?![A-Za-z])\.?"
_MINUS = r"(?P<minus>(?<![A-Za-z\d)])[-−])?"
_CODES = "€|£|¥|NTD|TWD|USD|EUR|GBP|JPY|RMB|CNY|HKD"
_RULES: tuple[_Rule, ...] = (
    (re.compile(rf"\d{{{_MAX_DIGITS + 1},}}"), lambda found: _digits(found[0])),
    (re.compile(r"(?<![\d/-])(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?![\d/.-]*\d)"), _date),
    (re.compile(r"(?<!\d)(?P<year>\d{4})\s?年\s?(?P<month>\d{1,2})\s?月\s?(?P<day>\d{1,2})\s?[日號号]?"), _date),
    (re.compile(r"(?<!\d)(\d{4})\s?(?=年(?!前|後|后))"), lambda found: _digits(found[1])),
    (re.compile(rf"{_HALF}\s?{_CLOCK}"), _time),
    (re.compile(rf"(?<![\d:]){_CLOCK}(?:\s?{_HALF})?"), _time),
    (re.compile(r"(?<![\d.])(\d{1,2})\s?([AaPp])\.?[Mm](?![A-Za-z])\.?"), _hour),
    (re.compile(rf"{_MINUS}(?P<symbol>{_names(_CURRENCIES)})\s?{_AMOUNT}"), _money),
    (re.compile(rf"{_MINUS}{_AMOUNT}\s?(?P<symbol>{_CODES})(?![A-Za-z])"), _money),
    (re.compile(r"(?<![\w.])\+\d{1,3}(?:[ -]?\(?\d{1,4}\)?)(?:[ -]?\d{2,4}){1,3}(?![\d-])"), _phone),
    (re.compile(r"(?<![\d.])\(0\d{1,3}\) ?\d{3,4}[ -]?\d{3,4}(?![\d-])"), _phone),
    (re.compile(r"(?<![\d.-])0\d{1,3}(?:[ -]\d{3,4}){2}(?![\d-])"), _phone),
    (re.compile(r"(?<![\d.-])0\d{1,2}-\d{6,8}(?![\d-])|(?<![\d.-])\d{4}(?:[ -]\d{4}){3}(?![\d-])"), _phone),
    (re.compile(r"(?<=[撥打按])\s?(\d{3,5})(?!\d)"), lambda found: _digits(found[1])),
    (re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}(?!\d)"), _version),
    (re.compile(rf"{_MINUS}(?P<number>{_NUMBER})\s?(?:°\s?(?P<scale>[CF])?|(?P<sign>[℃℉]))"), _degrees),
    (re.compile(rf"{_MINUS}(?P<number>{_NUMBER})%?(?:\s?[-–~～至到]\s?(?P<to>{_NUMBER}))?\s?[%％]"), _percent),
    (re.compile(r"(?<![\d/.])(\d{1,4})/(\d{1,4})(?![\d/.])"), _slashed),
    (re.compile(rf"({_NUMBER})\s?({_names(_UNITS)})(?![A-Za-z/²])"), _unit),
    (re.compile(r"(?<=\d)\s?[-–—~～]\s?(?=\d)(?!\d+\s?=)"), "到"),
    (re.compile(r"(?<=\d)\s?[:：]\s?(?=\d)"), "比"),
    (re.compile(r"(?<=\d)\s?\+\s?(?=\d)"), "加"),
    (re.compile(r"(?<=\d)\s?[-−]\s?(?=\d)"), "減"),
    (re.compile(r"(?<=\d)\s?[x×*]\s?(?=\d)"), "乘"),
    (re.compile(r"(?<=\d)\s?[÷]\s?(?=\d)"), "除以"),
    (re.compile(r"(?<=[元圓塊幣鎊])/(?=[\u4e00-\u9fff])"), "每"),
    (re.compile(r"\s?=\s?"), "等於"),
    (re.compile(r"\s?≈\s?"), "約等於"),
    (re.compile(r"(?<=\S)\s?(?:>=|≥)\s?"), "大於等於"),
    (re.compile(r"(?<=\S)\s?(?:<=|≤)\s?"), "小於等於"),
    (re.compile(r"(?<=\S)\s?>\s?(?=\S)"), "大於"),
    (re.compile(r"(?<=\S)\s?<\s?(?=\S)"), "小於"),
    (re.compile(r"C\+\+"), "C plus plus"),
    (re.compile(r"\s?[&＆]\s?"), "和"),
    (re.compile(r"[~～](?=\s?\d)"), "約"),
    (re.compile(r"[#＃](?=\d)"), "第"),
    (re.compile(r"(?<![\d.,])\d{5,}(?![\d.,]*\d)|(?<![\d.,])0\d+(?![\d.]*\d)"), _long_figure),
    (re.compile(r"(?<=[A-Za-z])-(?=\d)"), " "),
    (re.compile(rf"(?<![\d.,第])2(?=\s?(?:{_COUNTED}))"), "兩"),
    (re.compile(rf"{_MINUS}(?P<digits>{_NUMBER})"), _plain_number),
    (re.compile(r"[<>{}\[\]|\\^*#@_~～]"), " "),
    (re.compile(r"(?<=[\u4e00-\u9fff，。！？；：、])[ \t]+(?=[\u4e00-\u9fff，。！？；：、])"), ""),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"(?<=[\u4e00-\u9fff])\.(?=\s|$)"), "。"),
    (re.compile(r"(?<=[\u4e00-\u9fff]),\s?"), "，"),
)  # fmt: skip


_SIMPLIFIED_TAGS = ("zh-cn", "zh-hans", "zh-sg", "cmn-hans")


def in_words(text: str, language: str) -> str:
    """Mandarin ``text`` with its figures in Chinese words; English words stay. zh-CN reads ¥ as yuan."""
    if language.lower().startswith(_SIMPLIFIED_TAGS):
        text = text.replace("¥", "CN¥").replace("CNCN¥", "CN¥")
    lines = plain(text, dot=" dot ", at=" at ").split("\n")
    return "\n".join(filter(None, map(_line, lines)))


def _line(line: str) -> str:
    line = line.replace("％", "%").replace("＄", "$").replace("￥", "¥")
    for pattern, replacement in _RULES:
        line = pattern.sub(replacement, line)
    return line.strip()
