"""The engines of this host: which there are, in which order they load, and which one serves a request."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from inference import catalogue
from inference.catalogue.entry import ModelEntry
from inference.chinese_script import ChineseScript
from inference.config import Config
from inference.engines.base import Engine, SpeakerModel, SpeechToText, TextToSpeech, TurnModel
from inference.errors import EngineUnavailable
from inference.host.changes import Changes
from inference.host.scheduler import Needs, Scheduler
from inference.host.slot import EngineSlot
from inference.host.speech.voices import pick
from inference.types import VoiceInfo

E = TypeVar("E", bound=Engine)
AnySlot = EngineSlot[SpeechToText] | EngineSlot[TextToSpeech] | EngineSlot[TurnModel] | EngineSlot[SpeakerModel]


class Registry:
    """All in-process engines. Nothing heavy is imported before an engine is built, in its load."""

    def __init__(
        self,
        stt: EngineSlot[SpeechToText],
        tts: tuple[EngineSlot[TextToSpeech], ...],
        turn: EngineSlot[TurnModel],
        speaker_model: EngineSlot[SpeakerModel],
        *,
        default_voice: str = "",
    ) -> None:
        self.stt = stt
        self.tts = tts
        self.turn = turn
        self.speaker_model = speaker_model
        self._default_voice = default_voice
        self._one_at_a_time = asyncio.Lock()  # serves in order of arrival, hence of `slots`

    @property
    def slots(self) -> tuple[AnySlot, ...]:
        """In the order in which they load: a conversation needs the first two."""
        return (self.stt, self.tts[0], self.turn, *self.tts[1:], self.speaker_model)

    @property
    def can_converse(self) -> bool:
        """With a voice, or in text while memory is too short for one."""
        voice = self.tts[0]
        return self.stt.engine is not None and (voice.engine is not None or voice.status.state == "unloaded")

    async def load_all(self) -> None:
        """Loads everything, one after the other; returns once all are ready, which may be never."""
        async with asyncio.TaskGroup() as tasks:
            for slot in self.slots:
                tasks.create_task(self.load(slot), name=f"load {slot.model}")

    async def load(self, slot: AnySlot) -> None:
        """Loads one that is not loaded; returns once it is."""
        await slot.load(self._one_at_a_time)

    @property
    def voices(self) -> tuple[VoiceInfo, ...]:
        """The voices that can be used now, the default one first."""
        voices = [voice for slot in self.tts if slot.engine for voice in slot.engine.voices]
        return tuple(sorted(voices, key=lambda voice: voice.id != self._default_voice))

    async def speaker(self, voice: str, language: str) -> tuple[EngineSlot[TextToSpeech], TextToSpeech, VoiceInfo]:
        """The engine and the voice to speak with.

        The voice that was asked for when it speaks the language, else a voice that does. Raises `EngineUnavailable`
        while no engine is ready, `EngineRefused` when no voice speaks the language.
        """
        if not self.voices:
            await self.tts[0].get()
        chosen = pick(self.voices, voice, language)
        for slot in self.tts:
            if slot.engine and chosen in slot.engine.voices:
                return slot, slot.engine, chosen
        raise EngineUnavailable("No voice is ready.")


def build(settings: Config, scheduler: Scheduler, changes: Changes) -> Registry:
    """The embedded engines, as the catalogue and the settings choose them."""
    cores = settings.cores

    def slot(entry: ModelEntry, make: Callable[[Path], E], needs: Needs) -> EngineSlot[E]:
        scheduler.resize(entry.name, 1)
        needs = {**needs, entry.name: 1}

        def on_ready(engine: E) -> None:
            scheduler.resize(entry.name, engine.parallel)

        return EngineSlot(
            entry.kind, entry.name, lambda: make(catalogue.model_file(entry.name)), needs, changes, on_ready=on_ready
        )

    # Half of the cores for each of two transcriptions: alone as fast as with all, five at once in half the time.
    half = max(1, cores // 2)
    stt = slot(
        catalogue.default("stt"),
        lambda path: _whisper(path, half, min(2, cores), settings.chinese_script),
        {"cores": half},
    )
    hibari = slot(catalogue.entry("hibari"), lambda _: _hibari(), {"light": 1})
    turn = slot(catalogue.default("turn"), _smart_turn, {"light": 1})
    kokoro = slot(catalogue.entry("kokoro"), _kokoro, {"cores": 1})
    speaker_model = slot(catalogue.default("speaker"), _speaker_encoder, {"cores": 1})
    return Registry(stt, (hibari, kokoro), turn, speaker_model, default_voice=settings.tts_voice)


def _whisper(path: Path, threads: int, parallel: int, chinese: ChineseScript) -> SpeechToText:
    from inference.engines.whisper import WhisperEngine  # noqa: PLC0415 - imports take a second: in the load's thread

    return WhisperEngine(path, threads, parallel=parallel, chinese=chinese)


def _smart_turn(path: Path) -> TurnModel:
    from inference.engines.smart_turn import SmartTurnEngine  # noqa: PLC0415

    return SmartTurnEngine(path)


def _speaker_encoder(path: Path) -> SpeakerModel:
    from inference.engines.speaker_encoder import SpeakerEncoder  # noqa: PLC0415

    return SpeakerEncoder(path)


def _hibari() -> TextToSpeech:
    from inference.engines.hibari import HibariEngine  # noqa: PLC0415
    from inference.speech.normalise import speakable  # noqa: PLC0415

    speakable("1 word", "en")  # its tables take a second at their first use
    return HibariEngine()


def _kokoro(path: Path) -> TextToSpeech:
    from inference.engines.kokoro import KokoroEngine  # noqa: PLC0415
    from inference.speech.normalise import speakable  # noqa: PLC0415

    speakable("1 字", "zh-TW")
    return KokoroEngine(path)
