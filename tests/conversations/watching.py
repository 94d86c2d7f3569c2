"""A moderator's browser at the pages of running conversations, and its feed read as the browser would."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from django.test import Client

from conversations.live_watch.feed import feed
from conversations.live_watch.news import find
from tests.conversations.moderators import LiveSocket, in_thread


def client(**options: Any) -> Client:
    return Client(SERVER_NAME="127.0.0.1", HTTP_HOST="127.0.0.1:8000", **options)


def signed_in(user: Any) -> Client:
    browser = client()
    browser.force_login(user)
    return browser


class Watching:
    """Reads a feed as a browser would."""

    def __init__(self, stream: AsyncGenerator[bytes, None]) -> None:
        self._stream = stream
        self._rest = b""
        self.seen: list[tuple[str, dict[str, Any]]] = []

    async def until(self, event: str, /, within_s: float = 5.0, **fields: Any) -> dict[str, Any]:
        """The next event of that name with these fields."""
        async with asyncio.timeout(within_s):
            while True:
                name, body = await self._next()
                self.seen.append((name, body))
                if name == event and fields.items() <= body.items():
                    return body

    async def _next(self) -> tuple[str, dict[str, Any]]:
        while True:
            block, found, rest = self._rest.partition(b"\n\n")
            if not found:
                self._rest += await anext(self._stream)
                continue
            self._rest = rest
            fields = dict(line.split(": ", 1) for line in block.decode().splitlines() if not line.startswith(":"))
            if "event" in fields:
                return fields["event"], json.loads(fields["data"])

    async def close(self) -> None:
        await self._stream.aclose()


async def watching(user: Any, socket: LiveSocket, after: int | None = None, watch: str = "w1") -> Watching:
    sign_in = await in_thread(lambda: signed_in(user).session.session_key or "")
    watched = await in_thread(lambda: find(str(user.pk), socket.session_id, watch, sign_in))
    return Watching(feed(watched, after))
