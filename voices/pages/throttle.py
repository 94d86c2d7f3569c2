"""How often the pages take recordings and changes: as often as REST does, and counted together with it."""

from typing import Literal

from django.utils.translation import gettext

from common.actor import Actor
from common.counting import of_person, seconds_to_wait
from voices.errors import TooMany

Kind = Literal["heavy", "write"]
"""As `settings.API_REQUESTS_PER_MINUTE` has them: recordings and previews; everything else that changes something."""


def count(actor: Actor, kind: Kind) -> None:
    """Raises `TooMany` beyond what one person may do of that kind within a minute."""
    if seconds_to_wait(kind, of_person(actor.pk)) is not None:
        raise TooMany(gettext("That was a lot within a minute: wait a moment, then do it again."))
