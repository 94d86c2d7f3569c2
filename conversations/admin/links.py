"""Addresses within the admin, and links to them."""

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.texts import Text
from conversations.admin.deed import Deed
from conversations.admin.readonly import short


def conversation_url(conversation_id: UUID | str, anchor: str = "") -> str:
    url = reverse("admin:conversations_conversation_change", args=[conversation_id])
    return f"{url}#{anchor}" if anchor else url


@dataclass(frozen=True, slots=True)
class Button:
    """A link to a confirmation page."""

    label: Text
    url: str
    final: bool


def button(conversation_id: UUID | str, deed: Deed, part: str = "") -> Button:
    """A deed's button; ``part`` names the turn, flag or session that it is about."""
    url = reverse("admin:conversations_conversation_do", args=[conversation_id, deed.name])
    return Button(deed.label, f"{url}?{urlencode({'of': part})}" if part else url, deed.final)


def conversation_link(conversation_id: UUID | str, anchor: str = "") -> SafeString:
    return format_html('<a href="{}">{}</a>', conversation_url(conversation_id, anchor), short(conversation_id))


def turn_anchor(turn_id: str) -> str:
    return f"turn-{turn_id}"


def person_button(person_id: UUID | str, deed: Deed) -> Button:
    """The button of something that is done to a person."""
    return Button(deed.label, _person_page("do", person_id, deed.name), deed.final)


def person_url(person_id: UUID | str) -> str:
    return _person_page("change", person_id)


def person_link(person_id: UUID | str, name: str) -> SafeString:
    """A person's name, leading to their page."""
    return format_html('<a href="{}">{}</a>', person_url(person_id), name)


def _person_page(page: str, *arguments: UUID | str) -> str:
    opts = get_user_model()._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=arguments)
