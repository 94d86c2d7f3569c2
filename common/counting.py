"""How often somebody asks: so many requests of a kind a minute, counted in Django's cache."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    # The settings name a module that imports this one, so the views import it before they are there themselves.
    from rest_framework.request import Request
    from rest_framework.views import APIView


def key_of(kind: str, who: str) -> str:
    """Where the requests of a kind (`settings.API_REQUESTS_PER_MINUTE`) are counted, however they came in."""
    return f"throttle-{kind}-{who}"


def of_person(person_id: object) -> str:
    """Who asks: a signed-in browser, or a guest's."""
    return f"person-{person_id}"


def of_key(key_id: object) -> str:
    """Who asks: a program, each key counted for itself."""
    return f"key-{key_id}"


def of_address(address: str) -> str:
    """Who asks: nobody in particular."""
    return f"address-{address}"


class _Counted(SimpleRateThrottle):
    """The same count for requests that REST framework does not see."""

    def __init__(self, kind: str, who: str) -> None:
        self.num_requests, self.duration = settings.API_REQUESTS_PER_MINUTE[kind], 60
        self.rate = f"{self.num_requests}/min"
        self._key = key_of(kind, who)

    def get_cache_key(self, request: "Request", view: "APIView") -> str:
        return self._key


def seconds_to_wait(kind: str, who: str) -> float | None:
    """Counts a request of a kind by who asks; None when it may pass. Blocking."""
    counted = _Counted(kind, who)
    passes: Any = counted.allow_request  # its arguments are for `get_cache_key` alone
    return None if passes(None, None) else counted.wait() or 60.0
