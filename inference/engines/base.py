"""What an engine in the host's own process is: a small blocking class, called from the host's worker threads.

The host loads each once, schedules the calls, and never calls one engine from two threads at the same moment unless
``parallel`` is above 1. Sound is float32 mono in [-1, 1] at STT_RATE into an engine, PCM16 bytes at WIRE_RATE out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from inference.types import Segment, Transcript, VoiceInfo, Word

Audio = npt.NDArray[np.float32]
"""float32, mono, STT_RATE, shape (n,)."""
Progress = Callable[[float], None]
"""Told 0..1 while an engine loads."""
Cancelled = Callable[[], bool]
"""Asked between steps; True means that nobody waits for the result."""


@dataclass
class Hearing:
    """What a transcription has heard so far, kept over calls: one that was interrupted goes on where it was."""

    tell: Callable[[Segment], None] = lambda _: None
    """Told each segment once it is certain, in their order, in the engine's thread."""
    code: str = ""
    """Whisper's language code, once it is known."""
    joiner: str = " "
    """What stands between two segments."""
    windows: int = 0
    """Stretches of the sound that are done, with or without words."""
    segments: list[Segment] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)


class Engine(Protocol):
    """``model`` is the catalogue's name; ``memory_bytes`` what it is expected to need."""

    model: str
    languages: tuple[str, ...]
    memory_bytes: int
    parallel: int

    def load(self, progress: Progress) -> None:
        """Loads and warms; raises `EngineError` saying what is missing and what to do."""


class SpeechToText(Engine, Protocol):
    def transcribe(
        self,
        audio: Audio,
        *,
        language: str | None,
        prompt: str | None,
        words: bool,
        cancelled: Cancelled,
        hearing: Hearing,
    ) -> Transcript: ...


class TextToSpeech(Engine, Protocol):
    voices: tuple[VoiceInfo, ...]

    def synthesize(self, text: str, *, voice: str, language: str, speed: float) -> Iterator[bytes]:
        """Yields PCM16 at WIRE_RATE as it comes; the first piece as early as the engine can."""


class TurnModel(Engine, Protocol):
    def predict(self, audio: Audio) -> float:
        """Probability that the speaker has finished, from the last 8 s at most."""


class SpeakerModel(Engine, Protocol):
    def embed(self, audio: Audio) -> tuple[float, ...]:
        """The voice in ``audio`` as `EMBEDDING_SIZE` numbers, L2 norm 1; raises `AudioRefused` without speech."""
