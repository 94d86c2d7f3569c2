"""Cloning engines whose timing and faults a test decides."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from inference.errors import EngineError, EngineUnavailable
from inference.host.speech.speaker import SpeechAsk
from inference.types import EngineState, EngineStatus, VoiceInfo

SECOND = b"\x10\x00" * 24_000


class FakeCloner:
    """Says ``pieces``; ``faults`` are raised one sentence at a time, after ``before_fault`` pieces."""

    voices: tuple[VoiceInfo, ...] = ()

    def __init__(self, engine: str = "f5", *, languages: tuple[str, ...] = ("en", "zh"), pieces: int = 2) -> None:
        self.engine = engine
        self.last_used = 0.0
        self.busy = 0
        self.state: EngineState = "ready"
        self.languages = languages
        self.pieces = pieces
        self.faults: list[EngineError] = []
        self.before_fault = 0
        self.asked: list[SpeechAsk] = []
        self.forgotten: list[str] = []
        self.loads = 0
        self.go_on = asyncio.Event()
        """Clear it to stop after the first piece."""
        self.go_on.set()
        self.closed = asyncio.Event()

    @property
    def status(self) -> EngineStatus:
        return EngineStatus(kind="tts", model=f"{self.engine}-model", state=self.state)

    def clones(self, language: str) -> bool:
        return not language or language.partition("-")[0] in self.languages

    async def speak(self, ask: SpeechAsk) -> AsyncGenerator[bytes]:
        self.asked.append(ask)
        fault = self.faults.pop(0) if self.faults else None
        try:
            for index in range(self.pieces):
                if fault is not None and index == self.before_fault:
                    raise fault
                yield SECOND
                await self.go_on.wait()
        finally:
            self.closed.set()

    async def load(self) -> None:
        self.loads += 1
        self.state = "loading"

    async def forget(self, reference_id: str) -> None:
        self.forgotten.append(reference_id)

    async def run(self) -> None:
        await asyncio.Event().wait()


class FakeWatermarker:
    """Marks every piece by its last sample."""

    def __init__(self) -> None:
        self.state: EngineState = "ready"
        self.dies = False
        """When it is given sound."""

    @property
    def status(self) -> EngineStatus:
        return EngineStatus(kind="tts", model="watermark", state=self.state)

    async def marked(self, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        async for piece in pieces:
            if self.dies:
                self.state = "loading"
                raise EngineUnavailable("The watermark is away; it is started again.")
            yield piece[:-2] + b"\x77\x00"


class FakeGate:
    allows_speech = True
    allows_clones = True

    def __init__(self) -> None:
        self.permits = True
        self.used: list[str] = []

    async def permit(self, engine: str) -> None:
        if not self.permits:
            raise EngineUnavailable("There is no room.")

    @asynccontextmanager
    async def using(self, engine: str) -> AsyncIterator[None]:
        self.used.append(engine)
        yield
