"""The voices of the host's own process (hibari, Kokoro), under the scheduler."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from inference.engines.base import TextToSpeech
from inference.errors import EngineRefused
from inference.host.metrics import Metrics
from inference.host.registry import Registry
from inference.host.speech.speaker import SpeechAsk
from inference.host.workers import Done, Workers
from inference.speech.normalise import speakable
from inference.types import WIRE_RATE, EngineStatus, VoiceInfo

_BYTES_PER_S = WIRE_RATE * 2


class EmbeddedVoices:
    """See `inference.host.speech.speaker.Speaker`; it is never away once its first engine has loaded."""

    engine = "embedded"

    def __init__(self, registry: Registry, workers: Workers, metrics: Metrics) -> None:
        self._registry = registry
        self._workers = workers
        self._metrics = metrics
        self.last_used = 0.0
        self.busy = 0

    @property
    def status(self) -> EngineStatus:
        return self._registry.tts[0].status

    @property
    def voices(self) -> tuple[VoiceInfo, ...]:
        return self._registry.voices

    @property
    def complete(self) -> bool:
        """Whether all of its engines are loaded: no more voices are to come."""
        return all(slot.engine is not None for slot in self._registry.tts)

    def clones(self, language: str) -> bool:
        return False

    def model_of(self, voice: str) -> str:
        """The model behind one of `voices`."""
        for slot in self._registry.tts:
            if slot.engine and any(known.id == voice for known in slot.engine.voices):
                return slot.model
        return self._registry.tts[0].model

    async def get_ready(self) -> None:
        """Returns once there is a voice; raises `EngineUnavailable`."""
        if not self.voices:
            await self._registry.tts[0].get()

    async def speak(self, ask: SpeechAsk) -> AsyncGenerator[bytes]:
        if ask.reference is not None:
            raise EngineRefused("The embedded voices clone nobody.")
        slot, engine, chosen = await self._registry.speaker(ask.voice, ask.language)
        language = ask.language or chosen.languages[0]
        self.last_used = asyncio.get_running_loop().time()

        def start() -> Iterator[bytes]:
            return _pieces(engine, ask.text, voice=chosen.id, language=language, speed=ask.speed)

        stream = self._workers.stream(start, slot.needs, due=ask.due, expires=ask.expires, seconds=_seconds)
        self.busy += 1
        try:
            async with aclosing(stream) as pieces:
                done: Done[bytes]
                async for done in pieces:
                    self._metrics.computed(slot.model, wait_ms=done.wait_ms, compute_ms=done.compute_ms)
                    yield done.value
        finally:
            self.busy -= 1

    async def load(self) -> None:
        """It is loaded."""

    async def forget(self, reference_id: str) -> None:
        """It keeps nothing."""

    async def run(self) -> None:
        """The registry loads its engines."""


def _pieces(engine: TextToSpeech, text: str, *, voice: str, language: str, speed: float) -> Iterator[bytes]:
    """Runs in a worker thread; the engine cuts the text into pieces itself, so that a long one can be stopped early."""
    spoken = speakable(text, language)
    if spoken:
        yield from engine.synthesize(spoken, voice=voice, language=language, speed=speed)


def _seconds(pcm: bytes) -> float:
    return len(pcm) / _BYTES_PER_S
