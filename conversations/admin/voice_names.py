"""What voices are called on the admin's pages: the record knows people's voices by their profiles' ids alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from conversations.admin.filters import value_filter
from conversations.admin.readonly import short
from conversations.realtime.borrowing import SELF
from conversations.realtime.voices import is_profile
from voices.listing import names_of

_SHOWN = "_voice_shown"


class Voiced(Protocol):
    """A row with a voice: a built-in one by its name, a person's by its profile's id, `SELF`, or empty."""

    @property
    def voice(self) -> str: ...


def voice_names(request: HttpRequest, voices: Iterable[str]) -> Mapping[str, str]:
    """Each of ``voices`` with what it is called. One query at most; names are for those who may see voices."""
    wanted = set(voices)
    profiles = [UUID(voice) for voice in wanted if is_profile(voice)]
    sees = request.user.has_perm("voices.view_voice")
    known = {str(key): name for key, name in names_of(profiles).items()} if profiles and sees else {}
    otherwise = gettext("a voice that is gone") if sees else gettext("a person's voice")
    called = {voice: known.get(voice.lower()) or f"{otherwise} {short(voice)}" for voice in map(str, profiles)}
    return {voice: called.get(voice.lower(), voice) for voice in wanted} | {SELF: gettext("the person's own voice")}


def name_voices(request: HttpRequest, rows: Sequence[Voiced]) -> None:
    """Notes on each row what its voice is called, for `voice_name`: columns of a list are not told who asks."""
    names = voice_names(request, [row.voice for row in rows])
    for row in rows:
        setattr(row, _SHOWN, names[row.voice])


def voice_name(row: Voiced) -> str:
    """What `name_voices` has noted."""
    return str(getattr(row, _SHOWN, row.voice))


VOICE_FILTER = value_filter("voice", _("voice"), named=voice_names)
