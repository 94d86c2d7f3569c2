"""Engines whose timing and faults a test decides; everything else is the real host."""

import threading
from collections.abc import Callable, Iterator

from inference.engines.base import Audio, Cancelled, Hearing, Progress
from inference.types import Transcript, VoiceInfo


class FakeEngine:
    """Loads when let; ``faults`` are raised one load at a time."""

    model = "fake"
    languages: tuple[str, ...] = ("en",)
    memory_bytes = 1
    parallel = 1

    def __init__(self, faults: list[Exception] | None = None, may_load: threading.Event | None = None) -> None:
        self.faults = faults if faults is not None else []
        self.may_load = may_load
        self.loads = 0

    def load(self, progress: Progress) -> None:
        self.loads += 1
        progress(0.5)
        if self.may_load is not None:
            assert self.may_load.wait(10)
        if self.faults:
            raise self.faults.pop(0)
        progress(1.0)


class FakeStt(FakeEngine):
    """``hear`` runs in the host's worker thread and gives the text."""

    def __init__(self, hear: Callable[[Cancelled], str] = lambda _: "hello", **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.hear = hear

    def transcribe(
        self,
        audio: Audio,
        *,
        language: str | None,
        prompt: str | None,
        words: bool,
        cancelled: Cancelled,
        hearing: Hearing,
    ) -> Transcript:
        return Transcript(text=self.hear(cancelled), language=language or "en", duration_s=len(audio) / 16_000)


class FakeTts(FakeEngine):
    """Each of ``pieces`` is sound for one sentence; counts what was made and whether it was closed."""

    voices: tuple[VoiceInfo, ...] = (
        VoiceInfo(id="anna", name="Anna", engine="fake", languages=("en",)),
        VoiceInfo(id="mei", name="Mei", engine="fake", languages=("zh-TW", "zh")),
    )

    def __init__(self, pieces: list[bytes] | None = None, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.pieces = pieces or [b"\0\0" * 240]
        self.made = 0
        self.said: list[tuple[str, str, str]] = []
        self.closed = threading.Event()

    def synthesize(self, text: str, *, voice: str, language: str, speed: float) -> Iterator[bytes]:
        self.said.append((text, voice, language))
        try:
            for piece in self.pieces:
                self.made += 1
                yield piece
        finally:
            self.closed.set()


class FakeSpeaker(FakeEngine):
    def embed(self, audio: Audio) -> tuple[float, ...]:
        return (1.0,) + (0.0,) * 255


class FakeTurn(FakeEngine):
    def predict(self, audio: Audio) -> float:
        return float(len(audio) > 16_000)
