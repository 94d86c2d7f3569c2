"""GET /health, /health/stream, /v1/models and /metrics: what the host is and how it does."""

import asyncio

import msgspec
from aiohttp import web

from inference.host.errors import json_response
from inference.host.host import HOST
from inference.types import HostStatus

_HEARTBEAT_S = 5.0
_LEAST_BETWEEN_S = 0.05
"""Changes that follow one another faster are told as one."""


async def health(request: web.Request) -> web.Response:
    return json_response(request.app[HOST].status)


async def health_stream(request: web.Request) -> web.StreamResponse:
    """The status as a line of JSON at once and after every change; an unchanged one every few seconds."""
    host = request.app[HOST]
    response = web.StreamResponse(headers={"Content-Type": "application/jsonl", "Cache-Control": "no-store"})
    await response.prepare(request)
    told: HostStatus | None = None
    with host.changes.watch() as changed:
        while not host.closing.is_set():
            changed.clear()
            status = host.status
            if status != told:
                await response.write(msgspec.json.encode(status) + b"\n")
            told = status
            await asyncio.sleep(_LEAST_BETWEEN_S)
            try:
                async with asyncio.timeout(_HEARTBEAT_S):
                    await changed.wait()
            except TimeoutError:
                told = None
    await response.write_eof()
    return response


async def models(request: web.Request) -> web.Response:
    host = request.app[HOST]
    engines = [engine for engine in host.status.engines if engine.model]
    data = [{"id": engine.model, "object": "model", "created": 0, "owned_by": "avatar"} for engine in engines]
    return json_response({"object": "list", "data": data})


async def metrics(request: web.Request) -> web.Response:
    host = request.app[HOST]
    gauges: dict[str, float] = {"avatar_sessions": host.memory.sessions, "avatar_work_waiting": host.scheduler.waiting}
    gauges.update(host.memory.gauges())
    for resource, used in host.scheduler.in_use().items():
        gauges[f'avatar_in_use{{resource="{resource}"}}'] = used
    for engine in host.status.engines:
        gauges[f'avatar_engine_ready{{engine="{engine.name}"}}'] = engine.state == "ready"
    for slot in host.registry.slots:
        gauges[f'avatar_engine_loads_total{{engine="{slot.model}"}}'] = slot.loads
    for child in host.children:
        gauges[f'avatar_engine_loads_total{{engine="{child.name}"}}'] = child.starts
    if host.chat.totals is not None:
        gauges.update(host.chat.totals.gauges())
    return web.Response(text=host.metrics.text(gauges), content_type="text/plain", charset="utf-8")
