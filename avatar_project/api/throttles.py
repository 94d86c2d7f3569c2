"""How often: so many requests a minute for each key (or each signed-in browser) and each kind of request.

Counted in Django's cache: in memory, so per web process, unless a shared cache is configured.
"""

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from avatar_project.models import ApiKey
from common.counting import key_of, of_address, of_key, of_person

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
            who = of_key(request.auth.pk)
        elif request.user.is_authenticated:
            who = of_person(request.user.pk)
        else:
            who = of_address(self.get_ident(request))
        return key_of(str(self.scope), who)
