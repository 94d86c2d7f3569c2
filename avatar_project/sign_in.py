"""Signing in, with a brake on guessing: after a few wrong passwords the next try has to wait, ever longer."""

import hashlib
import math
import time
from typing import Any

import msgspec
import structlog
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

log = structlog.get_logger(__name__)
FREE = 5
"""Wrong passwords that cost no waiting."""
FIRST_WAIT_S = 15
LONGEST_WAIT_S = 300
FORGET_S = 3600
"""Without another wrong password, all is forgotten."""


class Failures(msgspec.Struct):
    """Wrong passwords in a row, and the Unix time before which no other is looked at."""

    count: int = 0
    closed_until: float = 0.0


class Brake:
    """For one name as tried from one address, so that a stranger elsewhere does not lock anybody out.

    The counts are in Django's cache: in Redis where there is one, else in each web process for itself.
    """

    def __init__(self, username: str, address: str) -> None:
        digest = hashlib.sha256(f"{username.casefold()}\0{address}".encode()).hexdigest()
        self._key = f"sign-in:{digest}"

    def wait_s(self) -> int:
        """How long until another password is looked at; 0: now."""
        return max(0, math.ceil(self._failures().closed_until - time.time()))

    def failed(self) -> None:
        failures = self._failures()
        failures.count += 1
        if failures.count >= FREE:
            wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (failures.count - FREE))
            failures.closed_until = time.time() + wait_s
            log.warning("sign_in_slowed", failures=failures.count, wait_s=wait_s)
        cache.set(self._key, (failures.count, failures.closed_until), FORGET_S)

    def succeeded(self) -> None:
        cache.delete(self._key)

    def _failures(self) -> Failures:
        return Failures(*cache.get(self._key, ()))


class _Braked(AuthenticationForm):
    """Asks the brake first; a password is not even looked at while one has to wait."""

    wait_s = 0
    """How long the person has to wait; 0 when it was looked at."""

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username")
        if not username or self.request is None:
            return super().clean()
        brake = Brake(username, self.request.META.get("REMOTE_ADDR", ""))
        if wait_s := brake.wait_s():
            self.wait_s = wait_s
            raise ValidationError(
                _("Too many wrong passwords. Wait %(wait_s)s seconds, then try again."),
                code="wait",
                params={"wait_s": wait_s},
            )
        try:
            cleaned = super().clean()
        except ValidationError:
            brake.failed()
            raise
        brake.succeeded()
        return cleaned


class SignInForm(_Braked):
    """The pages' own."""


class AdminSignInForm(_Braked, AdminAuthenticationForm):
    """The admin's."""
