"""The languages of voices: those in which a consent can be read and a preview be spoken."""

from typing import Literal

from django.utils.translation import gettext_lazy as _

from voices.errors import Invalid

Language = Literal["en", "zh-TW"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-TW")


def checked(language: str) -> Language:
    """One of `LANGUAGES`, from any tag of the same language. Raises `Invalid`."""
    main = language.partition("-")[0].lower()
    if main in {"zh", "cmn"}:
        return "zh-TW"
    if main == "en":
        return "en"
    raise Invalid(_("A voice speaks one of these languages: %(which)s."), code="language", which=", ".join(LANGUAGES))


def same(one: str, other: str) -> bool:
    """Whether two tags name the same language, whatever the region or script."""
    first, second = (tag.partition("-")[0].lower() for tag in (one, other))
    return (first if first != "cmn" else "zh") == (second if second != "cmn" else "zh")
