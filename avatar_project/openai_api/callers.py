"""Who calls: the bearer of a key within its scopes, a guest where guests are admitted, or nobody."""

import math
from typing import Any

import msgspec
from django.conf import settings

from avatar_project import api_keys
from avatar_project.doors import api_key, arrived_on_loopback
from avatar_project.identity import Blocked, guest_of_key
from avatar_project.openai_api.errors import ApiError
from common.counting import of_address, of_key, of_person, seconds_to_wait

Scope = dict[str, Any]
AUDIO, CHAT = "audio", "chat"


class Caller(msgspec.Struct, frozen=True):
    """``person_id`` is None for nobody in particular, who may look at what is public."""

    person_id: str | None
    name: str
    """For counting: a key's, a person's or an address's."""
    scopes: frozenset[str]

    def named(self) -> str:
        """The person's id; raises `ApiError` for nobody in particular."""
        if self.person_id is None:
            message = "Send a key as: Authorization: Bearer KEY. Make one at /account/keys."
            raise ApiError(401, "invalid_api_key", message)
        return self.person_id

    def needs(self, *scopes: str) -> None:
        """Raises `ApiError` unless the caller has one of ``scopes``."""
        self.named()
        if self.scopes.isdisjoint(scopes):
            wanted = " or ".join(scopes)
            message = f"This key lacks the scope {wanted}: make one that has it at /account/keys."
            raise ApiError(403, "insufficient_scope", message)


def caller_of(scope: Scope) -> Caller:
    """Blocking. Raises `ApiError` for a key that is not valid, and for who was blocked."""
    secret = api_key(scope)
    if secret is None:
        address = (scope.get("client") or ("unknown",))[0]
        return Caller(None, of_address(address), frozenset())
    if not api_keys.looks_like_ours(secret) and settings.GUESTS_ADMITTED and arrived_on_loopback(scope):
        try:
            guest = guest_of_key(secret)
        except Blocked:
            raise _no_entry() from None
        if not guest.is_active:
            raise _no_entry()
        return Caller(str(guest.pk), of_person(guest.pk), frozenset({AUDIO, CHAT}))
    key = api_keys.find(secret)
    if key is None:
        raise ApiError(
            401,
            "invalid_api_key",
            "This key is not valid: it is unknown, expired or revoked, or its owner is blocked. "
            "Make another one at /account/keys.",
        )
    return Caller(str(key.owner_id), of_key(key.pk), frozenset(key.scopes))


def count(caller: Caller, kind: str) -> None:
    """One more request of that kind (`settings.API_REQUESTS_PER_MINUTE`). Blocking; raises `ApiError` beyond them."""
    wait_s = seconds_to_wait(kind, caller.name)
    if wait_s is not None:
        message = f"Too many requests: come back in {math.ceil(wait_s)} s."
        raise ApiError(429, "rate_limit_exceeded", message, retry_in_s=math.ceil(wait_s))


def _no_entry() -> ApiError:
    return ApiError(403, "forbidden", "You may not come in.")
