"""``python -m inference.workers.watermark SOCKET``: serves the watermark on a Unix socket (`inference.workers.server`).

POST /mark and POST /confidence take PCM16 mono at WIRE_RATE; the first answers with as much of it, marked.
"""

import os
import sys
from collections.abc import Iterable

import msgspec
from aiohttp import web

from inference.errors import AudioRefused
from inference.types import WIRE_RATE
from inference.workers.server import Jobs, Tell, serve
from inference.workers.watermark.perth import Perth

_MOST_BYTES = 30 * WIRE_RATE * 2


class WatermarkWorker:
    def __init__(self) -> None:
        self._perth = Perth()

    def load(self, tell: Tell) -> None:
        self._perth.load(tell)

    def routes(self, jobs: Jobs) -> Iterable[web.RouteDef]:
        async def mark(request: web.Request) -> web.Response:
            pcm = await _pcm(request)
            marked = await jobs.run(lambda _: self._perth.marked(pcm))
            return web.Response(body=marked, content_type="application/octet-stream")

        async def confidence(request: web.Request) -> web.Response:
            pcm = await _pcm(request)
            found = await jobs.run(lambda _: self._perth.confidence(pcm))
            return web.Response(body=msgspec.json.encode({"confidence": found}), content_type="application/json")

        return (web.post("/mark", mark), web.post("/confidence", confidence))


async def _pcm(request: web.Request) -> bytes:
    pcm = await request.read()
    if not pcm or len(pcm) % 2 or len(pcm) > _MOST_BYTES:
        raise AudioRefused("The body must be PCM16 mono at 24 kHz, at most half a minute of it.")
    return pcm


if __name__ == "__main__":
    status = serve(WatermarkWorker(), sys.argv[1])
    sys.stdout.flush()
    os._exit(status)  # torch's threads would hold the process
