"""Why something was done: a short code, which stands in the record in clear, and words in a note, which is sealed."""

import re

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.refusals import Invalid

NOTE_LENGTH = 2000
_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,79}")


def checked(reason: str) -> str:
    """The code itself. Raises `Invalid` when it is none: free words do not belong where they cannot be erased."""
    if _CODE.fullmatch(reason) is None:
        raise Invalid(_("A reason is a short code of small letters, such as quality."), code="reason")
    return reason


def label(offered: type[TextChoices], code: str) -> str:
    """What a code says among those that were offered; rules and programs may have codes of their own."""
    return str(dict(offered.choices).get(code, code))


def checked_note(note: str) -> str:
    """The note itself. Raises `Invalid` when it is too long."""
    if len(note) > NOTE_LENGTH:
        raise Invalid(_("A note has at most %(most)s characters."), code="note", most=NOTE_LENGTH)
    return note
