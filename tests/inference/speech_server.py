"""A speech server by contract: it speaks vllm-omni's /v1/audio/speech and OpenAI's, and fails as a test says."""

import asyncio
import base64
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.server import free_port

KEY = "its key"


class ContractServer:
    """Says ``pieces`` of 0.1 s as raw PCM at ``rate``, in voices called ``names``; ``fault`` says what goes wrong."""

    def __init__(self, names: tuple[str, ...] = ("vivian", "uncle_fu")) -> None:
        self.url = ""
        self.names = names
        self.asked: list[dict[str, Any]] = []
        self.rate = 24_000
        self.pieces = 3
        self.fault = ""
        """``refuses``, ``empty``, ``hangs``, ``breaks``, ``breaks at once``, ``json``, ``away`` (503) or ``elsewhere``
        (a redirect to `elsewhere`)."""
        self.elsewhere = ""
        self.faults = 1_000_000
        """How many requests have it."""
        self.hung_up = asyncio.Event()

    async def speech(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"message": "no key"}}, status=401)
        self.asked.append(await request.json())
        fault, self.faults = (self.fault if self.faults else ""), max(0, self.faults - 1)
        match fault:
            case "refuses":
                return web.json_response({"error": {"message": "no such voice", "code": 400}}, status=400)
            case "away":
                return web.json_response({"error": {"message": "starting"}}, status=503)
            case "elsewhere":
                raise web.HTTPTemporaryRedirect(self.elsewhere)  # as a client is told to send its body there
            case "json":
                return web.json_response({"error": "out of memory"})
        response = web.StreamResponse(headers={"Content-Type": f"audio/pcm; rate={self.rate}"})
        await response.prepare(request)
        try:
            if fault == "hangs":
                await asyncio.Event().wait()
            for _ in range(0 if fault in {"empty", "breaks at once"} else self.pieces):
                await response.write(b"\x10\x00" * (self.rate // 10))
                await asyncio.sleep(0.01)
            if fault in {"breaks", "breaks at once"}:
                assert request.transport is not None
                request.transport.abort()
        except asyncio.CancelledError:
            self.hung_up.set()
            raise
        await response.write_eof()
        return response

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "FunAudioLLM/Fun-CosyVoice3-0.5B-2512"}]})

    async def voices(self, request: web.Request) -> web.Response:
        uploaded = {"name": "my_boss", "consent": "none", "created_at": 1738660000, "mime_type": "audio/wav"}
        return web.json_response({"voices": [*self.names, "my_boss"], "uploaded_voices": [uploaded]})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ContractServer"]:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.add_routes(
            [
                web.post("/v1/audio/speech", self.speech),
                web.get("/v1/models", self.models),
                web.get("/v1/audio/voices", self.voices),
            ]
        )
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()


def frames_of(data_url: str) -> tuple[int, bytes]:
    """Rate and PCM16 of a WAV as a data URL."""
    head, _, body = data_url.partition(",")
    assert head == "data:audio/wav;base64"
    with wave.open(io.BytesIO(base64.b64decode(body))) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), file.readframes(file.getnframes())
