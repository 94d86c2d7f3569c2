"""Who asks: the bearer of a key, or a person whose browser is signed in."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from avatar_project import api_keys
from avatar_project.api.permissions import needed_scope
from avatar_project.models import ApiKey, User


class KeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer avatar_…``; ``request.auth`` is the `ApiKey`."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Send the key as: Authorization: Bearer KEY.")
        key = api_keys.find(secret.strip())
        if key is None:
            raise AuthenticationFailed(
                "This key is not valid: it is unknown, expired or revoked, or its owner is blocked. "
                "Make another one at /account/keys."
            )
        return key.owner, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="avatar"'


class BrowserAuthentication(SessionAuthentication):
    """The session cookie of a signed-in person or a guest; what changes something needs the CSRF token, too."""


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its subclass hook is untyped
    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "avatar_…",
            "description": "A key from /account/keys, with the scope that the operation names.",
        }

    def get_security_requirement(self, auto_schema: Any) -> Any:
        """The scope that is needed; None where no key helps."""
        scope = needed_scope(auto_schema.view, auto_schema.method)
        return {self.name: [scope]} if scope else None


class BrowserScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BrowserAuthentication
    name = "browser"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        from django.conf import settings  # noqa: PLC0415

        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The session of a signed-in browser. Unsafe methods need the header X-CSRFToken.",
        }
