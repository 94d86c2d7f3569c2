"""POST /v1/audio/embedding: who speaks, as 256 numbers. The body is PCM16 mono at 16 kHz, at most a minute of it."""

from aiohttp import web

from inference.audio.pcm import to_float
from inference.host.errors import json_response
from inference.host.host import HOST
from inference.host.request import due_at, expires_at, read_pcm


async def embedding(request: web.Request) -> web.Response:
    host = request.app[HOST]
    due, expires = due_at(request), expires_at(request)
    audio = to_float(await read_pcm(request))
    slot = host.registry.speaker_model
    engine = await slot.get()
    done = await host.workers.run(lambda _: engine.embed(audio), slot.needs, due=due, expires=expires)
    host.metrics.computed(slot.model, wait_ms=done.wait_ms, compute_ms=done.compute_ms)
    return json_response(
        {
            "embedding": done.value,
            "model": slot.model,
            "wait_ms": round(done.wait_ms, 1),
            "compute_ms": round(done.compute_ms, 1),
        }
    )
