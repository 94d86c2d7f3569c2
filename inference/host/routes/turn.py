"""POST /v1/audio/turn: has the speaker finished? The body is PCM16 mono at 16 kHz, of which the last 8 s count."""

from aiohttp import web

from inference.audio.pcm import to_float
from inference.host.errors import json_response
from inference.host.host import HOST
from inference.host.request import due_at, expires_at, read_pcm
from inference.types import STT_RATE

_LONGEST = 8 * STT_RATE * 2


async def turn(request: web.Request) -> web.Response:
    host = request.app[HOST]
    due, expires = due_at(request), expires_at(request)
    pcm = await read_pcm(request)
    slot = host.registry.turn
    engine = await slot.get(wait_s=0)
    audio = to_float(pcm[-_LONGEST:])
    done = await host.workers.run(lambda _: engine.predict(audio), slot.needs, due=due, expires=expires)
    host.metrics.computed(slot.model, wait_ms=done.wait_ms, compute_ms=done.compute_ms)
    return json_response(
        {
            "probability": done.value,
            "model": slot.model,
            "wait_ms": round(done.wait_ms, 1),
            "compute_ms": round(done.compute_ms, 1),
        }
    )
