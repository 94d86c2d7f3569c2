"""Which characters Chinese is written in, by its BCP-47 tag (docs/adr/0043, docs/adr/0149)."""

from typing import Literal

ChineseScript = Literal["traditional", "simplified"]
SCRIPTS: tuple[ChineseScript, ...] = ("traditional", "simplified")
_CHINESE = frozenset({"zh", "cmn", "yue"})
_TRADITIONAL_REGIONS = frozenset({"tw", "hk", "mo"})
_SIMPLIFIED_REGIONS = frozenset({"cn", "sg", "my"})


def script_of(tag: str, unsaid: ChineseScript) -> ChineseScript | None:
    """The script of the tag, else the one usual in its region, else ``unsaid``; None for what is not Chinese.

    Cantonese without script or region is Traditional, as it is written where most of it is written.
    """
    parts = subtags(tag)
    if not parts & _CHINESE:
        return None
    if parts & {"hans", "hant"}:
        return "simplified" if "hans" in parts else "traditional"
    if parts & (_TRADITIONAL_REGIONS | _SIMPLIFIED_REGIONS):
        return "traditional" if parts & _TRADITIONAL_REGIONS else "simplified"
    return "traditional" if "yue" in parts else unsaid


def written_tag(tag: str, unsaid: ChineseScript) -> str:
    """The tag for a page: bare Chinese says its script, since browsers choose the glyphs by it."""
    if len(subtags(tag)) > 1 or (script := script_of(tag, unsaid)) is None:
        return tag
    return f"{tag}-{'Hant' if script == 'traditional' else 'Hans'}"


def subtags(tag: str) -> frozenset[str]:
    """``zh_TW`` -> ``{"zh", "tw"}``."""
    return frozenset(tag.replace("_", "-").lower().split("-"))
