"""POST /v1/leases: a session's place, held for as long as the response is read.

Lines of JSON: first ``{"id": "lease_..."}``, then ``{}`` every few seconds. Hanging up, however that happens, frees it.
"""

import asyncio

import msgspec
from aiohttp import web

from inference.host.host import HOST

HEARTBEAT_S = 5.0


async def leases(request: web.Request) -> web.StreamResponse:
    host = request.app[HOST]
    with host.leases.take() as lease:
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(msgspec.json.encode({"id": lease}) + b"\n")
        while not host.closing.is_set():
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await host.closing.wait()
            except TimeoutError:
                await response.write(b"{}\n")
    await response.write_eof()
    return response
