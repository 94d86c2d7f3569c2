"""What a voice is called on its listener's pages: the record knows profiles by their ids alone."""

from django.utils.translation import gettext

from conversations.realtime.borrowing import SELF
from conversations.realtime.voices import is_profile
from voices import presets
from voices.selectors import usable_by


class VoiceNames:
    """For one person and one page. Asks the database once, and only if a profile has spoken."""

    def __init__(self, person_id: str) -> None:
        self._person_id = person_id
        self._names: dict[str, str] | None = None

    def of(self, voice: str) -> str:
        """What a voice is called: a built-in one (by its id where no engine has it any more), a profile that they may
        use, or what is to be said instead of one.
        """
        if voice == SELF:
            return gettext("your own voice")
        if not is_profile(voice):
            return presets.names().get(voice, voice)
        if self._names is None:
            self._names = {choice.id: choice.name for choice in usable_by(self._person_id)}
        return self._names.get(voice) or gettext("a voice that is gone")
