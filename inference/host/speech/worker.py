"""A cloning engine in a process of its own (`inference.workers`), reached over its Unix socket."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from urllib.parse import quote

import aiohttp
import msgspec

from inference.errors import EngineRefused, EngineUnavailable
from inference.host.children.child import Child
from inference.host.metrics import Metrics
from inference.host.scheduler import Scheduler
from inference.host.speech.eagerly import eagerly
from inference.host.speech.speaker import SpeechAsk
from inference.types import EngineStatus, VoiceInfo
from inference.wire_errors import read_error
from inference.workers.speech import SpeakBody

_CONNECT_S = 2.0
_FORGET_S = 2.0
_MSGPACK = {"Content-Type": "application/msgpack"}


class WorkerSpeaker:
    """See `inference.host.speech.speaker.Speaker`. Sentences go to the engine one by one, the earliest deadline first.

    ``silence_s``: the longest that the engine may take for the next piece of sound. ``cores``: what one sentence takes
    of the machine's, for an engine that computes on them.
    """

    def __init__(
        self,
        child: Child,
        languages: tuple[str, ...],
        scheduler: Scheduler,
        metrics: Metrics,
        *,
        silence_s: float,
        cores: int = 0,
    ) -> None:
        self.engine = child.name
        self.child = child
        self.last_used = 0.0
        self.busy = 0
        self._languages = languages
        self._scheduler = scheduler
        self._metrics = metrics
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=silence_s)
        self._needs = {child.name: 1, **({"cores": cores} if cores else {})}
        scheduler.resize(child.name, 1)

    @property
    def status(self) -> EngineStatus:
        return self.child.status

    @property
    def voices(self) -> tuple[VoiceInfo, ...]:
        return ()

    def clones(self, language: str) -> bool:
        return not language or language.partition("-")[0].lower() in self._languages

    async def load(self) -> None:
        await self.child.load()

    async def run(self) -> None:
        """Its child is run with the host's others."""

    async def speak(self, ask: SpeechAsk) -> AsyncGenerator[bytes]:
        if ask.reference is None:
            raise EngineRefused(f"{self.engine} speaks after a reference only.")
        body = SpeakBody(
            text=ask.text,
            language=ask.language,
            speed=ask.speed,
            instructions=ask.instructions,
            reference=ask.reference,
        )
        pieces = eagerly(self._sound(msgspec.msgpack.encode(body), ask))
        try:
            async for piece in pieces:
                yield piece
        finally:
            await pieces.aclose()

    async def _sound(self, body: bytes, ask: SpeechAsk) -> AsyncGenerator[bytes]:
        await self.child.get_ready(0)
        async with self._scheduler.turn(self._needs, due=ask.due, expires=ask.expires) as ticket:
            loop = asyncio.get_running_loop()
            self.last_used = began = loop.time()
            self.busy += 1
            try:
                async with aiohttp.ClientSession(
                    connector=self.child.address.connector(), timeout=self._timeout
                ) as http:
                    async for piece in self._answer(http, body):
                        yield piece
            except TimeoutError:
                self.child.note_broken()
                raise EngineUnavailable(f"{self.engine} has not made any sound for too long.") from None
            except (aiohttp.ClientError, OSError):
                self.child.note_broken()
                raise EngineUnavailable(
                    f"{self.engine} ended in the middle of a sentence; it is started again."
                ) from None
            finally:
                self.busy -= 1
            compute_ms = (loop.time() - began) * 1000
            self._metrics.computed(self.engine, wait_ms=ticket.wait_ms, compute_ms=compute_ms)

    async def _answer(self, http: aiohttp.ClientSession, body: bytes) -> AsyncGenerator[bytes]:
        async with http.post(f"{self.child.address.url}/speech", data=body, headers=_MSGPACK) as response:
            if response.status != 200:
                raise read_error(response.status, await response.read())
            odd = b""
            async for chunk in response.content.iter_any():
                sound = odd + chunk
                even = len(sound) & ~1
                odd = sound[even:]
                if even:
                    yield sound[:even]

    async def forget(self, reference_id: str) -> None:
        """Best effort: an engine that is away keeps nothing either."""
        if self.status.state != "ready":
            return
        url = f"{self.child.address.url}/references/{quote(reference_id, safe='')}"
        timeout = aiohttp.ClientTimeout(total=_FORGET_S)
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with aiohttp.ClientSession(connector=self.child.address.connector(), timeout=timeout) as http:
                await http.delete(url)
