"""POST /v1/audio/watermark: is the sound marked as synthetic? The body is PCM16 mono at 24 kHz, ten minutes at most."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from inference.errors import AudioRefused, EngineUnavailable
from inference.host.errors import json_response
from inference.host.host import HOST
from inference.host.speech.terms import WATERMARK
from inference.types import WIRE_RATE

_MOST_BYTES = 600 * WIRE_RATE * 2
_STALLED_S = 30.0
_WITHIN_S = 300.0
"""Looking takes 24 s for ten minutes of sound; the rest is for loading, and for the sound to come."""


async def watermark(request: web.Request) -> web.Response:
    host = request.app[HOST]
    detector = host.detector
    if detector is None:
        raise EngineUnavailable("This host has no watermark detector.")
    if detector.status.state == "unloaded":
        await host.memory.permit(WATERMARK)
    async with host.memory.using(WATERMARK), asyncio.timeout(_WITHIN_S):
        return json_response(await detector.find(_body(request)))


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it comes, so that ten minutes of it are never held."""
    taken = 0
    while True:
        async with asyncio.timeout(_STALLED_S):
            piece = await request.content.readany()
        if not piece:
            break
        taken += len(piece)
        if taken > _MOST_BYTES:
            raise AudioRefused("The recording is longer than ten minutes. Cut it and look at each part.")
        yield piece
    if not taken or taken % 2:
        raise AudioRefused("The body must be PCM16 mono at 24 kHz.")
