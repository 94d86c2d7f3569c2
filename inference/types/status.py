"""What the engine host tells of itself, its engines and who waits."""

from typing import Literal

import msgspec

from inference.types.speech import Quality, VoiceInfo

EngineKind = Literal["stt", "chat", "tts", "turn", "speaker", "watermark"]
EngineState = Literal["absent", "unloaded", "loading", "ready", "failed"]
"""``unloaded``: an engine that is loaded on demand, and is not now."""
ServiceLevel = Literal["full", "no_fine", "no_clones", "text_only"]
"""What the machine's memory allows: each level is without what the ones before it are without, too."""


class ChatFigures(msgspec.Struct, frozen=True):
    """What a vLLM server tells of its last few seconds."""

    first_token_ms: float | None = None
    """Mean of the answers that began; None when none did."""
    kv_cache: float = 0.0
    """Share of the cache of keys and values in use, 0..1."""
    prefix_hits: float | None = None
    """Share of the prompts' tokens that were cached, 0..1."""
    running: int = 0
    waiting: int = 0
    """Answers that are being written, and that wait for room."""


def called(engine: str, model: str) -> str:
    """What people read of an engine: its name, and in brackets its model where that is called otherwise."""
    return f"{engine} ({model})" if engine and model and engine != model else engine or model


class EngineStatus(msgspec.Struct, frozen=True):
    """One engine as clients may show it."""

    kind: EngineKind
    model: str
    state: EngineState
    languages: tuple[str, ...] = ()
    progress: float | None = None
    """0..1 while loading, if known."""
    detail: str = ""
    """For people: what it is doing, or what went wrong and what to do."""
    memory_bytes: int = 0
    figures: ChatFigures | None = None
    """Of a chat server that tells them."""
    engine: str = ""
    """What runs the model, where that has a name of its own, as settings and logs have it: ``f5``, ``vllm``."""

    @property
    def name(self) -> str:
        """As metrics and logs have it: the engine, or the model where that is the engine."""
        return self.engine or self.model

    @property
    def called(self) -> str:
        """For people: the engine and its model, or what is known of the two."""
        return called(self.engine, self.model) or self.kind


class Queued(msgspec.Struct, frozen=True):
    """Somebody waits for a session's place."""

    position: int
    """1 is the next to be served."""
    places: int
    """How many may wait."""
    expected_s: float | None = None
    """How long that may take, if it can be told."""


class HostStatus(msgspec.Struct, frozen=True):
    """The engine host: ``ready`` once a conversation can start."""

    ready: bool
    engines: tuple[EngineStatus, ...] = ()
    voices: tuple[VoiceInfo, ...] = ()
    sessions: int = 0
    max_sessions: int = 0
    context_tokens: int = 0
    """Context window of the default chat model."""
    waiting: int = 0
    """Sessions that wait for a place."""
    service: ServiceLevel = "full"
    """What people can have now."""
    service_reason: str = ""
    """For operators: why it is not everything."""
    cloning: tuple[Quality, ...] = ()
    """How this host can speak after a reference, ready or on demand; nothing where no engine clones."""
