"""The doors of the sockets: a foreign Host or Origin stays outside, and whoever comes in has a name.

Wraps the WebSocket application. ``scope["user"]`` is a `User` or None; the consumer refuses None with 4401, and
with 4403 when ``scope["blocked"]``, so that a client reads why. A foreign Host or Origin gets no handshake at all
(HTTP 403): a page of another site must learn nothing, and DNS rebinding ends here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http.cookies import CookieError, SimpleCookie
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import close_old_connections
from django.http.request import split_domain_port, validate_host

from avatar_project import api_keys
from avatar_project.bind import is_loopback
from avatar_project.identity import Blocked, user_at_the_door, user_of_session
from avatar_project.models import User

Scope = dict[str, Any]
P = ParamSpec("P")
T = TypeVar("T")
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
KEY_PROTOCOL = "openai-insecure-api-key."
log = structlog.get_logger(__name__)

# Identity is looked up on threads of its own: Channels' one shared thread would make every socket wait for the slowest.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="doors")


def header(scope: Scope, name: bytes) -> str:
    """The first header of that name, or an empty string."""
    for key, value in scope.get("headers", ()):
        if key.lower() == name:
            return str(value.decode("latin-1"))
    return ""


def host_is_ours(host: str, allowed: Iterable[str]) -> bool:
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def origin_is_ours(origin: str, host: str, trusted: Iterable[str]) -> bool:
    """Programs send no Origin; a browser's must be the very host it speaks to, or one the operator trusts."""
    if not origin:
        return True
    if origin in trusted:
        return True
    parts = urlsplit(origin)
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()


def api_key(scope: Scope) -> str | None:
    """The key of ``Authorization: Bearer KEY`` or of the browsers' subprotocol; it is never logged."""
    scheme, _, key = header(scope, b"authorization").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    for protocol in scope.get("subprotocols", ()):
        if protocol.startswith(KEY_PROTOCOL):
            return str(protocol.removeprefix(KEY_PROTOCOL)) or None
    return None


def session_key(scope: Scope) -> str | None:
    try:
        morsel = SimpleCookie(header(scope, b"cookie")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    return morsel.value if morsel else None


def arrived_on_loopback(scope: Scope) -> bool:
    """Whether the address that was connected *to* is this machine's own; a Unix socket is."""
    server = scope.get("server")
    return not server or not server[0] or is_loopback(server[0])


class Doors:
    """ASGI middleware for WebSockets."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        host, origin = header(scope, b"host"), header(scope, b"origin")
        if not host_is_ours(host, settings.ALLOWED_HOSTS) or not origin_is_ours(
            origin, host, settings.CSRF_TRUSTED_ORIGINS
        ):
            log.warning("socket_refused", reason="foreign host or origin", host=host[:100], origin=origin[:100])
            await receive()
            await send({"type": "websocket.close", "code": 4403})
            return
        # Both must hold: a server started by hand on another address than the configured one admits no guest there.
        guests = settings.GUESTS_ADMITTED and arrived_on_loopback(scope)
        session, key = session_key(scope), api_key(scope)
        user, blocked = await on_a_door_thread(_look_up, session, key, guests)

        async def still_admitted() -> bool:
            return user is not None and await on_a_door_thread(_is_still_admitted, user, session, key)

        admitted = {"user": user, "blocked": blocked, "still_admitted": still_admitted}
        await self.app({**scope, **admitted}, receive, send)


async def on_a_door_thread(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Runs ``work``, which may use the ORM, on a thread of the doors."""

    def connected() -> T:
        close_old_connections()
        try:
            return work(*arguments, **named)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_threads, connected)


def _is_still_admitted(user: User, session: str | None, key: str | None) -> bool:
    """A conversation lasts: keys are revoked meanwhile, people sign out, change passwords, are blocked."""
    signed_in = user_of_session(session)
    if signed_in is not None:
        return signed_in.pk == user.pk
    if key and api_keys.looks_like_ours(key):
        found = api_keys.find(key)
        return found is not None and found.owner_id == user.pk and "realtime" in found.scopes
    return user.is_guest and User.objects.filter(pk=user.pk, is_active=True).exists()


def _look_up(session: str | None, key: str | None, guests: bool) -> tuple[User | None, bool]:
    """Who comes in, and whether it is somebody who was told to stay outside."""
    try:
        return user_at_the_door(session_key=session, api_key=key, guests=guests), False
    except Blocked:
        return None, True
