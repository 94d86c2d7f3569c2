"""How often the pages take recordings: as often as REST does, and counted together with it."""

from django.utils.translation import gettext

from common.actor import Actor
from common.counting import of_person, seconds_to_wait
from voices.errors import TooMany


def count_recording(actor: Actor) -> None:
    """Raises `TooMany` beyond `AVATAR_API_HEAVY_PER_MINUTE` of one person."""
    if seconds_to_wait("heavy", of_person(actor.pk)) is not None:
        raise TooMany(gettext("That was a lot of recordings within a minute: wait a moment, then send it again."))
