"""What a cloning worker is asked, and its routes: POST /speech (MessagePack in, PCM16 out), DELETE /references/ID."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec
from aiohttp import web

from inference.types import Reference
from inference.workers.server import Cancelled, Jobs, sound_response


class SpeakBody(msgspec.Struct, frozen=True):
    """A text fit to be spoken (`inference.speech.normalise`), and after whom."""

    text: str
    language: str
    reference: Reference
    speed: float = 1.0
    instructions: str = ""


class Cloner(Protocol):
    """An engine that speaks after a reference."""

    def speak(self, ask: SpeakBody, cancelled: Cancelled) -> Iterator[bytes]:
        """PCM16 mono at WIRE_RATE, made in the engine's thread; looks at ``cancelled`` between its steps."""

    def forget(self, reference_id: str) -> None:
        """Drops what it keeps of a reference; called from another thread, maybe while it speaks."""


def routes(cloner: Cloner, jobs: Jobs) -> Iterable[web.RouteDef]:
    async def speech(request: web.Request) -> web.StreamResponse:
        ask = msgspec.msgpack.decode(await request.read(), type=SpeakBody)
        return await sound_response(request, jobs.stream(lambda cancelled: cloner.speak(ask, cancelled)))

    async def forget(request: web.Request) -> web.Response:
        cloner.forget(request.match_info["reference"])
        return web.Response(status=204)

    return [web.post("/speech", speech), web.delete("/references/{reference}", forget)]
