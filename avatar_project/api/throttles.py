"""How often: so many requests a minute for each key (or each signed-in browser) and each kind of request.

Counted in Django's cache: in memory, so per web process, unless a shared cache is configured.
"""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from avatar_project.models import ApiKey

if TYPE_CHECKING:
    # The settings name this module, so the views import it before they are there themselves.
    from rest_framework.views import APIView


class RequestsPerMinute(SimpleRateThrottle):
    """``view.throttle`` names the kind (`settings.API_REQUESTS_PER_MINUTE`); without it, the method does."""

    def __init__(self) -> None:
        """The rate is known only with the request."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        kind: str = getattr(view, "throttle", "") or ("read" if request.method in SAFE_METHODS else "write")
        self.scope = kind
        self.num_requests, self.duration = settings.API_REQUESTS_PER_MINUTE[kind], 60
        self.rate = f"{self.num_requests}/min"
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: "APIView") -> str:
        if isinstance(request.auth, ApiKey):
            who = f"key-{request.auth.pk}"
        elif request.user.is_authenticated:
            who = f"person-{request.user.pk}"
        else:
            who = f"address-{self.get_ident(request)}"
        return f"throttle-{self.scope}-{who}"


class _Counted(SimpleRateThrottle):
    """The same count for requests that REST framework does not see."""

    def __init__(self, kind: str, who: str) -> None:
        self.num_requests, self.duration = settings.API_REQUESTS_PER_MINUTE[kind], 60
        self.rate = f"{self.num_requests}/min"
        self._key = f"throttle-{kind}-{who}"

    def get_cache_key(self, request: Request, view: "APIView") -> str:
        return self._key


def seconds_to_wait(kind: str, who: str) -> float | None:
    """Counts a request of ``kind`` (`settings.API_REQUESTS_PER_MINUTE`); None when it may pass. Blocking."""
    counted = _Counted(kind, who)
    passes: Any = counted.allow_request  # its arguments are for `get_cache_key` alone
    return None if passes(None, None) else counted.wait() or 60.0
