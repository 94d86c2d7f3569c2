"""The watcher's stream of server-sent events: woken by pokes, filled from the log, bounded in number and time."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from functools import partial

import msgspec
import structlog

from conversations.errors import ConversationNotFound, NotAllowed
from conversations.live_watch.news import News, State, Watched, begin, has_ended, news
from conversations.log.errors import KeyDestroyed, LogError
from conversations.log.eventlog import event_log
from conversations.oversight.broadcast import listening, watch_group

log = structlog.get_logger(__name__)
WATCHERS = 20
"""Streams at once in one process."""
LOOK_S = 2.0
"""How late a line may be that no poke has announced."""
PAUSE_S = 0.2
"""Between two readings: watchers share the log's readers with those who talk."""
STILL_HERE_S = 15.0
LONGEST_S = 3600.0
RETRY_MS = 2000

_watching = 0


class Over(msgspec.Struct, frozen=True):
    """Nothing more follows: ``closed``, ``not_allowed``, ``gone``, ``full`` or ``long``; asking again does not help."""

    reason: str


@contextmanager
def _place() -> Iterator[bool]:
    """A place among the watchers of this process for the block; False when all are taken."""
    global _watching  # noqa: PLW0603 - a count of one event loop's streams
    if _watching >= WATCHERS:
        yield False
        return
    _watching += 1
    try:
        yield True
    finally:
        _watching -= 1


async def feed(watched: Watched, after: int | None) -> AsyncGenerator[bytes, None]:
    """Server-sent events ``state``, ``line``, ``over``. ``after``: the last line that a broken connection has told."""
    with _place() as free:
        if not free:
            yield _event("over", Over("full"))
            return
        yield f"retry: {RETRY_MS}\n\n".encode()
        try:
            async with aclosing(_told(watched, after)) as told:
                async for piece in told:
                    yield piece
        except NotAllowed:
            yield _event("over", Over("not_allowed"))
        except (ConversationNotFound, KeyDestroyed):
            yield _event("over", Over("gone"))
        except LogError as error:
            # The browser comes again by itself.
            log.warning("watch_interrupted", session=watched.session_id, error=type(error).__name__)


async def _told(watched: Watched, after: int | None) -> AsyncGenerator[bytes, None]:
    read = event_log().read
    began = time.monotonic()
    async with listening(watch_group(str(watched.conversation_id))) as ear:
        if after is None and await read(partial(has_ended, watched)):
            yield _event("over", Over("closed"))
            return
        start = await read(partial(begin, watched))
        reached = start if after is None else max(start, after)
        state: State | None = None
        spoke = began
        while True:
            found: News = await read(partial(news, watched, reached))
            if found.state != state or found.lines:
                state, spoke = found.state, time.monotonic()
                yield b"".join((*(_event("line", line, line.sequence) for line in found.lines), _event("state", state)))
            elif time.monotonic() - spoke >= STILL_HERE_S:
                spoke = time.monotonic()
                yield b": still here\n\n"
            more, reached = found.reached > reached, found.reached
            if state.closed and not more:
                yield _event("over", Over("closed"))
                return
            if time.monotonic() - began >= LONGEST_S:
                yield _event("over", Over("long"))
                return
            if not more:
                await ear.wait(LOOK_S)
            await asyncio.sleep(PAUSE_S)


def _event(name: str, body: msgspec.Struct, sequence: int | None = None) -> bytes:
    number = f"id: {sequence}\n" if sequence is not None else ""
    return f"event: {name}\n{number}data: ".encode() + msgspec.json.encode(body) + b"\n\n"
