"""Who says a sentence: by reference, quality, voice and language, with a fallback for whoever is away.

Cloned sound leaves through the watermarker or not at all. An engine that dies before its first sound costs nothing: the
sentence is tried again, then said by the next one that can. After the first sound it breaks off: the caller decides.
"""

import asyncio
import traceback
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import msgspec
import structlog

from inference.errors import EngineError, EngineUnavailable
from inference.host.speech.embedded import EmbeddedVoices
from inference.host.speech.references import References
from inference.host.speech.speaker import Speaker, SpeechAsk
from inference.host.speech.terms import WATERMARK, Allowance, NoGate, Watermarker
from inference.host.speech.voices import pick, why_another
from inference.host.speech.worker import WorkerSpeaker
from inference.speech.normalise import speakable
from inference.types import Quality, SpeechMade, VoiceInfo

log = structlog.get_logger(__name__)


class _Way(msgspec.Struct, frozen=True):
    """One way to say a sentence."""

    speaker: Speaker
    ask: SpeechAsk
    made: SpeechMade


class Spoken(msgspec.Struct, frozen=True):
    """A sentence being said: who says it, and PCM16 mono at WIRE_RATE."""

    made: SpeechMade
    pcm: AsyncIterator[bytes]


class Router:
    """Of one event loop. ``fast`` and ``fine`` clone (or are servers with voices of their own).

    ``gate`` says what memory allows now. The fine engine begins to load when it is first wanted.
    """

    def __init__(
        self,
        embedded: EmbeddedVoices,
        *,
        fast: Speaker | None = None,
        fine: Speaker | None = None,
        watermarker: Watermarker | None = None,
        gate: Allowance | None = None,
    ) -> None:
        self.embedded = embedded
        self.fast = fast
        self.fine = fine
        self.watermarker = watermarker
        self.references = References()
        self.gate = gate or NoGate()

    @property
    def engines(self) -> tuple[Speaker, ...]:
        """Those beside the embedded voices."""
        return tuple(speaker for speaker in (self.fast, self.fine) if speaker is not None)

    @property
    def servers(self) -> tuple[Speaker, ...]:
        """Those of `engines` that are no children of the host's."""
        return tuple(speaker for speaker in self.engines if not isinstance(speaker, WorkerSpeaker))

    @property
    def voices(self) -> tuple[VoiceInfo, ...]:
        """The embedded voices, then those of speech servers."""
        known: dict[str, VoiceInfo] = {}
        for speaker in (self.embedded, *self.engines):
            for voice in speaker.voices:
                known.setdefault(voice.id, voice)
        return tuple(known.values())

    @property
    def cloning(self) -> tuple[Quality, ...]:
        """How people's voices can be spoken with, now or once it is loaded."""
        if self.watermarker is None or self.watermarker.status.state in {"absent", "failed"}:
            return ()
        engines: tuple[tuple[Quality, Speaker | None], ...] = (("fast", self.fast), ("fine", self.fine))
        return tuple(
            quality
            for quality, speaker in engines
            if speaker is not None and speaker.clones("") and speaker.status.state not in {"absent", "failed"}
        )

    async def forget(self, reference_id: str) -> int:
        """Stops, bars and drops a reference; how many sentences were stopped."""
        stopped = self.references.forget(reference_id)
        for speaker in self.engines:
            await speaker.forget(reference_id)
        return stopped

    @asynccontextmanager
    async def spoken(self, ask: SpeechAsk) -> AsyncIterator[Spoken]:
        """Says it; leaving the block stops the work. Raises `EngineError` when nobody can."""
        if not self.gate.allows_speech:
            raise EngineUnavailable("The machine is short of memory: answers are text only for now.")
        failure: EngineError | None = None
        async with aclosing(self._ways(ask)) as ways:
            async for way in ways:
                try:
                    first, pieces = await self._begin(way)
                except EngineError as error:
                    log.warning("speaker_failed", engine=way.made.engine, code=error.code, **_cause(way, error))
                    failure = error
                    continue
                async with aclosing(pieces):
                    yield Spoken(way.made, _with(first, pieces))
                return
        raise failure or EngineUnavailable("No voice is ready.")

    async def _begin(self, way: _Way) -> tuple[bytes, AsyncGenerator[bytes]]:
        """The first piece and the rest; tried twice when the engine answers again already (a connection that broke)."""
        pieces = self._pieces(way)
        try:
            return await anext(pieces, b""), pieces
        except EngineUnavailable:
            unmarked = way.made.cloned and self._watermark_missing()
            if isinstance(way.speaker, EmbeddedVoices) or way.speaker.status.state != "ready" or unmarked:
                raise
        pieces = self._pieces(way)
        return await anext(pieces, b""), pieces

    async def _pieces(self, way: _Way) -> AsyncGenerator[bytes]:
        ask = way.ask
        if way.made.cloned:
            ask = msgspec.structs.replace(ask, text=await asyncio.to_thread(speakable, ask.text, ask.language))
            if not ask.text:
                return
        sound = way.speaker.speak(ask)
        if way.made.cloned:
            assert self.watermarker is not None
            sound = self.watermarker.marked(sound)
        async with AsyncExitStack() as in_use:
            for engine in (way.made.engine, WATERMARK) if way.made.cloned else ():
                await in_use.enter_async_context(self.gate.using(engine))
            try:
                async for piece in sound:
                    if piece:
                        yield piece
            finally:
                close = getattr(sound, "aclose", None)
                if close is not None:
                    await close()

    async def _ways(self, ask: SpeechAsk) -> AsyncGenerator[_Way]:
        """In the order in which they are tried; what is not there is left out."""
        why = ""
        if ask.reference is not None:
            ask = msgspec.structs.replace(ask, language=ask.language or ask.reference.language)
            async for way in self._cloning_ways(ask):
                yield way
            why = self._why_no_clone(ask)
            ask = msgspec.structs.replace(ask, reference=None)
        await self.embedded.get_ready()
        way = self._own_voice(ask, self.voices, self._with_own_voices(ask.quality), why)
        yield way
        if way.speaker is not self.embedded:
            yield self._own_voice(ask, self.embedded.voices, (self.embedded,), why or "engine_failed")

    async def _cloning_ways(self, ask: SpeechAsk) -> AsyncIterator[_Way]:
        assert ask.reference is not None
        if not self.gate.allows_clones or self._watermark_missing():
            return
        finely = ask.quality == "fine" and await self._fine_is_there()
        order: tuple[tuple[Speaker | None, Quality], ...] = ((self.fast, "fast"), (self.fine, "fine"))
        for speaker, quality in reversed(order) if finely else order:
            if self._watermark_missing():  # by now: nobody's cloned sound could leave
                return
            if speaker is not None and speaker.clones(ask.language) and speaker.status.state == "ready":
                made = SpeechMade(
                    engine=speaker.engine,
                    model=speaker.status.model,
                    voice=ask.reference.id,
                    cloned=True,
                    watermarked=True,
                    quality=quality,
                )
                yield _Way(speaker, ask, made)

    async def _fine_is_there(self) -> bool:
        """Whether it can speak now; it begins to load when it is not, and the fast engine speaks meanwhile."""
        if self.fine is None:
            return False
        if self.fine.status.state == "unloaded":
            try:
                await self.gate.permit(self.fine.engine)
            except EngineUnavailable:
                return False
            await self.fine.load()
        return self.fine.status.state == "ready"

    def _why_no_clone(self, ask: SpeechAsk) -> str:
        """A code for `SpeechMade.fallback`, also used when all that clone have failed."""
        if not self.gate.allows_clones:
            return "no_clones"
        cloning = [speaker for speaker in self.engines if speaker.clones("")]
        if cloning and not any(speaker.clones(ask.language) for speaker in cloning):
            return "language_not_spoken"
        return "watermark_unavailable" if cloning and self._watermark_missing() else "cloning_unavailable"

    def _with_own_voices(self, quality: Quality) -> tuple[Speaker, ...]:
        """In the order in which they say a voice: another AVATAR, as the fine one, has those that this one has."""
        if quality == "fine" and self.fine is not None:
            return (self.fine, *(speaker for speaker in (self.embedded, self.fast) if speaker is not None))
        return (self.embedded, *self.engines)

    def _watermark_missing(self) -> bool:
        return self.watermarker is None or self.watermarker.status.state != "ready"

    def _own_voice(
        self, ask: SpeechAsk, voices: tuple[VoiceInfo, ...], speakers: tuple[Speaker, ...], why: str
    ) -> _Way:
        chosen = pick(voices, ask.voice, ask.language)
        complete = self.embedded.complete and all(speaker.status.state == "ready" for speaker in self.servers)
        why = why or why_another(self.voices, ask.voice, chosen, complete=complete)
        speaker = next(item for item in speakers if any(voice.id == chosen.id for voice in item.voices))
        model = self.embedded.model_of(chosen.id) if speaker is self.embedded else speaker.status.model
        made = SpeechMade(
            engine=model if speaker is self.embedded else speaker.engine,
            model=model,
            voice=chosen.id,
            fallback=why,
            quality="fine" if speaker is self.fine else "fast",
        )
        return _Way(speaker, msgspec.structs.replace(ask, voice=chosen.id), made)


def _cause(way: _Way, error: EngineError) -> dict[str, str]:
    """Its kind and place, and what a worker of ours says of a failure: nobody's words are in that."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    cause = {
        "kind": type(error.__cause__ or error).__name__,
        "place": f"{Path(place.filename).name}:{place.lineno} {place.name}",
    }
    if isinstance(way.speaker, WorkerSpeaker) and error.code == EngineError.code:
        cause["detail"] = error.message
    return cause


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for piece in rest:
        yield piece
