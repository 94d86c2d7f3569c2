"""The door of the event feed's streams, which live beside Django: Django would hold a thread for each (ADR 0079)."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError

from avatar_project import api_keys
from avatar_project.doors import api_key, header, host_is_ours, on_a_door_thread, session_key
from avatar_project.identity import user_of_session
from avatar_project.models import ApiKey, User
from conversations.feed.asked import wants_stream
from conversations.problem import CONTENT_TYPE, Problem

Scope = dict[str, Any]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Send], Awaitable[None]]
PATH = "/api/events/"
SCOPE = "events:read"
log = structlog.get_logger(__name__)


class Bearer:
    """Somebody with a key."""

    def __init__(self, key: ApiKey) -> None:
        self._key = key
        self.person_id = str(key.owner_id)

    def still_admitted(self) -> User | None:
        key = api_keys.find_again(self._key)
        if key is None or SCOPE not in key.scopes:
            return None
        api_keys.note_use(key)
        return key.owner


class SignedIn:
    """Somebody with a browser's session."""

    def __init__(self, session: str, user: User) -> None:
        self._session = session
        self.person_id = str(user.pk)

    def still_admitted(self) -> User | None:
        return user_of_session(self._session)


class StreamDoor:
    """ASGI middleware: requests for a stream of events go to ``streams``, all others on to Django."""

    def __init__(self, streams: App, otherwise: App) -> None:
        self._streams = streams
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        if scope["path"] != PATH or scope["method"] != "GET" or not wants_stream(scope):
            await self._otherwise(scope, receive, send)
            return
        visitor: Bearer | SignedIn | Problem | None = _at_the_address(scope)
        if visitor is None:
            visitor = await on_a_door_thread(_visitor, scope)
        if isinstance(visitor, Problem):
            await _refuse(send, visitor)
            return
        await self._streams({**scope, "visitor": visitor}, receive, send)


def _at_the_address(scope: Scope) -> Problem | None:
    """What Django's own middleware would see to."""
    if not host_is_ours(header(scope, b"host"), settings.ALLOWED_HOSTS):
        return Problem(400, "invalid", "This server has another name.")
    if settings.HTTPS and header(scope, b"x-forwarded-proto") != "https":
        return Problem(403, "not_allowed", "Use https.")
    return None


def _visitor(scope: Scope) -> Bearer | SignedIn | Problem:
    try:
        return _identified(scope)
    except DatabaseError as error:
        log.warning("stream_door_closed", error=type(error).__name__)
        return Problem(503, "busy", "The database did not answer in time: try again.")


def _identified(scope: Scope) -> Bearer | SignedIn | Problem:
    if secret := api_key(scope):
        key = api_keys.find(secret)
        if key is None:
            return Problem(401, "not_authenticated", "This key is not valid.")
        if SCOPE not in key.scopes:
            return Problem(403, "not_allowed", f"This key lacks the scope {SCOPE}.")
        return Bearer(key)
    session = session_key(scope)
    user = user_of_session(session)
    if session is None or user is None:
        return Problem(401, "not_authenticated", "Send a key, or sign in.")
    return SignedIn(session, user)


async def _refuse(send: Send, problem: Problem) -> None:
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"cache-control", b"no-store")]
    if problem.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="avatar"'))
    if problem.status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": problem.json()})
