"""Whoever takes an answer while it is made: nobody's engine waits for ever for somebody who does not."""

import asyncio
from collections.abc import Awaitable

from aiohttp import web

from inference.host.errors import NotTaken

NOT_TAKEN_S = 30.0
"""So long an engine waits for a listener who takes nothing, and altogether beyond what he may take."""
WRITTEN_AT_ONCE = 65_536
"""Bytes: a piece of any length is taken bit by bit, each in time."""


class Listener:
    """Gives a response's pieces; raises `NotTaken` when he has been waited for too long.

    ``slowest_s``: what a byte may take beside `NOT_TAKEN_S`, in seconds.
    """

    def __init__(self, response: web.StreamResponse, *, slowest_s: float = 0.0) -> None:
        self._response = response
        self._slowest_s = slowest_s
        self._may_wait_s = NOT_TAKEN_S

    async def give(self, data: bytes) -> None:
        for at in range(0, len(data), WRITTEN_AT_ONCE):
            part = data[at : at + WRITTEN_AT_ONCE]
            await self._patiently(self._response.write(part))
            self._may_wait_s += len(part) * self._slowest_s

    async def end(self) -> None:
        await self._patiently(self._response.write_eof())

    async def _patiently(self, taken: Awaitable[None]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(min(NOT_TAKEN_S, self._may_wait_s)):
                await taken
        except TimeoutError:
            raise NotTaken("Nobody takes this answer.") from None
        self._may_wait_s -= loop.time() - began


def hang_up(request: web.Request) -> None:
    """Breaks the connection at once, what waits to be sent included; that ends the handler, and with it the work."""
    if request.transport is not None:
        request.transport.abort()
