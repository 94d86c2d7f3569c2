"""The feed as server-sent events: an ASGI application that holds neither a thread nor a database connection.

An event's id is its position, so a client that comes back with ``Last-Event-ID`` misses nothing and gets nothing twice.
A stream ends when it has lasted or carried enough (a client that does not read must not fill the memory), when its
reader is not admitted any more, and when the server stops; clients connect again.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
import structlog
from django.db import DatabaseError

from conversations.errors import Invalid, NotAllowed
from conversations.feed.asked import Asked, asked
from conversations.feed.hub import Hub
from conversations.feed.page import Page, read_page, view_of
from conversations.feed.places import NoPlace, Places
from conversations.log.errors import LogError
from conversations.problem import CONTENT_TYPE, Problem
from conversations.services.access import Actor

log = structlog.get_logger(__name__)
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
EVENTS_AT_ONCE = 200
RETRY_AFTER_S = 10
_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class Visitor(Protocol):
    """Who has come through the door."""

    person_id: str

    def still_admitted(self) -> Actor | None:
        """The person as they stand now; None when they may not read any more. Blocking."""


class NotAdmitted(Exception):
    """The key was revoked, the person blocked or signed out."""


class Limits(msgspec.Struct, frozen=True):
    """For one process. A stream ends after ``lasts_s`` seconds or ``carries`` bytes."""

    streams: int = 64
    streams_each: int = 4
    lasts_s: float = 3600.0
    carries: int = 4_000_000
    heartbeat_s: float = 15.0


class EventStream:
    """One per process; ``scope["visitor"]`` is a `Visitor`."""

    def __init__(self, limits: Limits | None = None, *, hub: Hub | None = None) -> None:
        self._limits = limits or Limits()
        self._hub = hub or Hub()
        self._places = Places(most=self._limits.streams, most_each=self._limits.streams_each)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        answer = _Answer(send)
        serving = asyncio.create_task(self._serve(scope, answer), name="an event stream")
        gone = asyncio.create_task(_gone(receive), name="an event stream's client")
        try:
            await asyncio.wait({serving, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (serving, gone):
                task.cancel()
            await asyncio.wait({serving, gone})
        if not serving.cancelled():
            serving.result()

    async def _serve(self, scope: Message, answer: "_Answer") -> None:
        visitor: Visitor = scope["visitor"]
        try:
            wish = asked(scope)
            with self._places.taken_by(visitor.person_id):
                await self._stream(visitor, wish, answer)
        except NoPlace as error:
            status, code = (503, "busy") if error.everybody else (429, "too_many_streams")
            await answer.refuse(Problem(status, code, str(error)))
        except Invalid as error:
            await answer.refuse(Problem(400, error.code, str(error)))
        except NotAllowed as error:
            await answer.refuse(Problem(403, error.code, str(error)))
        except NotAdmitted:
            await answer.refuse(Problem(401, "not_authenticated", "The key or the session is not valid any more."))
        except (LogError, DatabaseError) as error:
            log.warning("feed_ended", error=type(error).__name__)
            await answer.refuse(Problem(503, "busy", "The events could not be read: try again."))

    async def _stream(self, visitor: Visitor, wish: Asked, answer: "_Answer") -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.lasts_s
        owner = None if wish.everything else visitor.person_id
        async with self._hub.listening(owner) as listener:
            after = wish.after
            if wish.everything:
                log.info("feed_of_everybody_opened", person=visitor.person_id, after=after)
            while True:
                listener.news.clear()
                page = await self._hub.read(functools.partial(_look, visitor, wish.everything, after))
                after = page.next_after
                await answer.tell(page)
                if answer.carried >= self._limits.carries or loop.time() >= until:
                    break
                if not page.more and not await _waited(listener.news, self._limits.heartbeat_s):
                    await answer.heartbeat()
        await answer.end()


class _Answer:
    """The response: its head leaves with the first page, so that what is wrong before can still be said properly."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False
        self.carried = 0

    async def tell(self, page: Page) -> None:
        body = b"".join(b"id: %d\ndata: %b\n\n" % (event.position, msgspec.json.encode(event)) for event in page.events)
        if not self._begun:
            await self._begin(200, _HEADERS)
            # No line is left blank but after an event: some clients would take it for one without data.
            body = b"retry: 2000\n" + body
        if body:
            await self._body(body)

    async def heartbeat(self) -> None:
        await self._body(b": nothing new\n")

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def refuse(self, problem: Problem) -> None:
        """Says what is wrong; a stream that has begun can only end."""
        if not self._begun:
            headers = [(b"content-type", CONTENT_TYPE.encode()), (b"cache-control", b"no-store")]
            if problem.status in {429, 503}:
                headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
            await self._begin(problem.status, headers)
            await self._body(problem.json())
        await self.end()

    async def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, body: bytes) -> None:
        self.carried += len(body)
        await self._send({"type": "http.response.body", "body": body, "more_body": True})


def _look(visitor: Visitor, everything: bool, after: int) -> Page:
    """Asked anew for every page: who was blocked meanwhile reads nothing more."""
    actor = visitor.still_admitted()
    if actor is None:
        raise NotAdmitted
    return read_page(view_of(actor, everything=everything), after, EVENTS_AT_ONCE)


async def _waited(news: asyncio.Event, for_s: float) -> bool:
    try:
        async with asyncio.timeout(for_s):
            await news.wait()
    except TimeoutError:
        return False
    return True


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
