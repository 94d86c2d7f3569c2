"""GET /v1/memory, and POST /v1/engines/NAME/load|unload: what operators see of memory, and may do."""

from aiohttp import web

from inference.host.errors import json_response
from inference.host.host import HOST


async def memory(request: web.Request) -> web.Response:
    return json_response(request.app[HOST].memory.status)


async def load(request: web.Request) -> web.Response:
    """Begins to load it; GET /v1/memory and /health tell how far it is."""
    await request.app[HOST].memory.load(request.match_info["name"])
    return web.Response(status=202)


async def unload(request: web.Request) -> web.Response:
    await request.app[HOST].memory.unload(request.match_info["name"])
    return web.Response(status=204)
