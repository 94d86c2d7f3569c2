"""What a key may do: the scope that the view names. Whose things it may do it to, the services decide."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from avatar_project.models import ApiKey

if TYPE_CHECKING:
    # The settings name this module, so the views import it before they are there themselves.
    from rest_framework.views import APIView


class InScope(BasePermission):
    """Views name ``read_scope`` and ``write_scope``; without one, only a signed-in browser comes through."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not request.user.is_authenticated:
            return False
        key = request.auth
        if not isinstance(key, ApiKey):
            return True
        scope = needed_scope(view, request.method or "GET")
        self.message = (
            f"This key lacks the scope {scope}: make one that has it at /account/keys."
            if scope
            else "No key may do this: sign in with a browser."
        )
        return scope in key.scopes


def needed_scope(view: "APIView", method: str) -> str:
    """The scope that a key needs for this method; empty where no key helps."""
    scope: str = getattr(view, "read_scope" if method in SAFE_METHODS else "write_scope", "")
    return scope
