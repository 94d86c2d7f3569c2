"""POST /v1/leases: a session's place, held for as long as the response is read and renewed.

Lines of JSON: first ``{"id": "lease_..."}``, then ``{}`` every few seconds, each to be answered by PUT /v1/leases/ID.
Hanging up, however that happens, frees the place, and so does silence. With ``?queue=1`` somebody who does not fit may
wait where the operator allows it: lines ``{"queued": {"position", "places", "expected_s"}}`` come until the place does,
or ``{"error": ...}``.
"""

import msgspec
from aiohttp import web

from inference.errors import ServerFull
from inference.host.errors import error_body, plain_error
from inference.host.host import HOST, Host
from inference.host.leases import Asked

HEARTBEAT_S = 5.0
_ANSWER_S = 0.6
"""A refusal is due within a second, and after 0.7 s a session takes a host that is silent for one that starts."""


async def leases(request: web.Request) -> web.StreamResponse:
    host = request.app[HOST]
    with host.memory.ask(queue=request.query.get("queue") == "1") as asked:
        await asked.next_news(_ANSWER_S, host.closing)
        if not asked.granted and asked.queued is None:
            raise ServerFull("There is not enough memory for another conversation now. Try again when one has ended.")
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl", "Cache-Control": "no-store"})
        await response.prepare(request)
        try:
            await _wait(host, asked, response)
        except ServerFull as error:
            await response.write(msgspec.json.encode(error_body(error)) + b"\n")
        else:
            await _hold(host, asked, response)
    await response.write_eof()
    return response


async def _wait(host: Host, asked: Asked, response: web.StreamResponse) -> None:
    """Returns once the place is there; raises `ServerFull` when it will not be."""
    while not asked.granted and not host.closing.is_set():
        await response.write(msgspec.json.encode({"queued": asked.queued}) + b"\n")
        await asked.next_news(HEARTBEAT_S, host.closing)


async def _hold(host: Host, asked: Asked, response: web.StreamResponse) -> None:
    line = msgspec.json.encode({"id": asked.id})
    while not host.closing.is_set() and not asked.lost:
        await response.write(line + b"\n")
        line = b"{}"
        await asked.next_news(HEARTBEAT_S, host.closing)


async def renew(request: web.Request) -> web.Response:
    """PUT /v1/leases/ID: its holder is there."""
    if request.app[HOST].memory.renew(request.match_info["lease"]):
        return web.Response(status=204)
    return plain_error(404, "Nobody holds this place.", "lease_unknown")
