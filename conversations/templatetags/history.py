"""Figures and names as the history's pages write them."""

from collections.abc import Iterable

from django import template
from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import get_language_info

from conversations.reading.voice_names import VoiceNames
from inference.chinese_script import written_tag

register = template.Library()


@register.filter
def clock(ms: float) -> str:
    """Milliseconds as minutes and seconds, ``2:05``; with hours from one on."""
    seconds = round(ms / 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@register.filter
def in_seconds(ms: float) -> str:
    """Milliseconds as seconds with two places."""
    return number_format(ms / 1000, 2)


@register.filter
def named_in(voice: str, names: VoiceNames) -> str:
    """A voice as its listener knows it."""
    return names.of(voice)


@register.filter
def written(tag: str) -> str:
    """The tag of words as `lang` takes it: bare Chinese with the script that it is written in here."""
    return written_tag(tag, settings.INFERENCE.chinese_script)


@register.filter
def own_names(tags: Iterable[str]) -> tuple[str, ...]:
    """Languages in their own words, each once: with its region where it is of one, without where it is of several."""
    regions: dict[str, list[str]] = {}
    for tag in tags:
        main, _, region = tag.partition("-")
        regions.setdefault(main.lower(), []).extend([tag] if region else [])
    return tuple(own_name(of[0] if len(of) == 1 else main) for main, of in regions.items())


@register.filter
def own_name(tag: str) -> str:
    """A language in its own words; the tag itself when it is not known."""
    names = {"zh": "中文", "zh-tw": "中文（台灣）", "yue": "粵語"}
    lowered = tag.lower()
    if lowered in names:
        return names[lowered]
    try:
        return str(get_language_info(lowered)["name_local"])
    except KeyError:
        return tag
