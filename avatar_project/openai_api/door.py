"""The door of /v1: whose request it is, what it may do, how often and how much; then it goes to the views.

ASGI, beside Django's own door: its middleware knows browsers, not programs, and would hold a thread for each answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError

from avatar_project.doors import header, host_is_ours, on_a_door_thread, origin_is_ours
from avatar_project.openai_api.callers import Caller, caller_of, count
from avatar_project.openai_api.errors import RETRY_AFTER_S, ApiError
from avatar_project.openai_api.places import Places

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
PREFIX = "/v1/"
_MOST_JSON = 2 * 1024 * 1024
_MOST_UPLOAD = 26 * 1024 * 1024
"""A file of 25 MB and its form."""
log = structlog.get_logger(__name__)


class Door:
    """ASGI middleware: what is under /v1/ goes to ``api``, everything else on."""

    def __init__(self, api: App, otherwise: App) -> None:
        self._api = api
        self._otherwise = otherwise
        self._places: Places | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(PREFIX):
            await self._otherwise(scope, receive, send)
            return
        try:
            _check_address(scope)
            caller = await _admitted(scope)
            if scope["method"] == "POST":
                caller.named()  # before a body is read
            bounded = _Bounded(scope, receive)
            inside = {**scope, "caller": caller, "places": self.places}
            if scope["method"] == "POST":
                with self.places.taken_by(caller.name):
                    await self._api(inside, bounded, send)
            else:
                await self._api(inside, bounded, send)
        except ApiError as error:
            await _refuse(send, error)

    @property
    def places(self) -> Places:
        """Made in the event loop that they are for."""
        if self._places is None:
            self._places = Places(most=settings.API_CALLS, most_each=settings.API_CALLS_EACH, chats=settings.API_CHATS)
        return self._places


class _Bounded:
    """``receive`` of a body that may not be larger than its kind."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        upload = header(scope, b"content-type").startswith("multipart/")
        self._left = _MOST_UPLOAD if upload else _MOST_JSON
        told = header(scope, b"content-length")
        if told.isdecimal() and int(told) > self._left:
            raise self._too_large()

    async def __call__(self) -> Any:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._too_large()
        return message

    def _too_large(self) -> ApiError:
        return ApiError(413, "too_large", "The body is too large: 25 MB of sound, or 2 MB of JSON, are taken.")


def _check_address(scope: Scope) -> None:
    """What Django's own middleware would see to, and that no page of another site asks."""
    host, origin = header(scope, b"host"), header(scope, b"origin")
    if not host_is_ours(host, settings.ALLOWED_HOSTS):
        raise ApiError(400, "invalid_host", "This server has another name.")
    if not origin_is_ours(origin, host, settings.CSRF_TRUSTED_ORIGINS):
        raise ApiError(403, "forbidden_origin", "Pages of other sites may not ask here.")
    if settings.HTTPS and header(scope, b"x-forwarded-proto") != "https":
        raise ApiError(403, "https_needed", "Use https.")


async def _admitted(scope: Scope) -> Caller:
    kind = "engines" if scope["method"] == "POST" else "read"

    def look() -> Caller:
        caller = caller_of(scope)
        count(caller, kind)
        return caller

    try:
        return await on_a_door_thread(look)
    except DatabaseError as error:
        log.warning("api_door_closed", error=type(error).__name__)
        message = "The database did not answer in time: try again."
        raise ApiError(503, "busy", message, retry_in_s=RETRY_AFTER_S) from None


async def _refuse(send: Send, error: ApiError) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": error.json()})
    await asyncio.sleep(0)
