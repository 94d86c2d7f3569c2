"""How often the pages take recordings: as often as REST does, and counted together with it."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext
from rest_framework.throttling import SimpleRateThrottle

from voices.access import Actor
from voices.errors import TooMany

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView


class _Recordings(SimpleRateThrottle):
    def __init__(self, actor: Actor) -> None:
        self.num_requests, self.duration = settings.API_REQUESTS_PER_MINUTE["heavy"], 60
        self.rate = f"{self.num_requests}/min"
        self._key = f"throttle-heavy-person-{actor.pk}"

    def get_cache_key(self, request: "Request", view: "APIView") -> str:
        return self._key


def count_recording(actor: Actor) -> None:
    """Raises `TooMany` beyond `AVATAR_API_HEAVY_PER_MINUTE` of one person."""
    passes: Any = _Recordings(actor).allow_request  # its arguments are for `get_cache_key` alone
    if not passes(None, None):
        raise TooMany(gettext("That was a lot of recordings within a minute: wait a moment, then send it again."))
