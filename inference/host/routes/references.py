"""PUT and DELETE /v1/audio/references/ID: after whom cloned voices speak, kept in memory only."""

from aiohttp import web

from inference.errors import EngineRefused
from inference.host.host import HOST
from inference.host.request import read_json
from inference.types import Reference


async def put_reference(request: web.Request) -> web.Response:
    """Takes `Reference` as JSON, its sound in base64."""
    reference = await read_json(request, Reference)
    if reference.id != request.match_info["reference"]:
        raise EngineRefused("The reference has another id than its address.")
    request.app[HOST].speech.references.put(reference)
    return web.Response(status=204)


async def forget_reference(request: web.Request) -> web.Response:
    """Stops at once whatever is being said with it, drops it, and bars its id."""
    await request.app[HOST].speech.forget(request.match_info["reference"])
    return web.Response(status=204)
