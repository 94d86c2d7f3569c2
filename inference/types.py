"""What crosses the boundary between the engine host and its clients.

Plain values: importable from everywhere, importing nothing of ours. Sound between stages is PCM16 little endian mono;
speech-to-text and turn detection take it at ``STT_RATE``, text-to-speech and the wire give it at ``WIRE_RATE``.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

WIRE_RATE = 24_000
"""Samples per second on the socket and out of every text-to-speech engine."""
STT_RATE = 16_000
"""Samples per second into voice activity, turn detection and speech-to-text."""

EMBEDDING_SIZE = 256
"""Numbers that tell a voice (`inference.speaker`)."""

EngineKind = Literal["stt", "chat", "tts", "turn", "speaker", "watermark"]
EngineState = Literal["absent", "unloaded", "loading", "ready", "failed"]
"""``unloaded``: an engine that is loaded on demand, and is not now."""
ServiceLevel = Literal["full", "no_fine", "no_clones", "text_only"]
"""What the machine's memory allows: each level is without what the ones before it are without, too."""


class Word(msgspec.Struct, frozen=True):
    """One recognised word; times in seconds from the start of the audio given."""

    text: str
    start_s: float
    end_s: float
    probability: float


class Segment(msgspec.Struct, frozen=True):
    """A stretch of speech that was recognised at once, up to some 20 s; times as `Word`'s."""

    text: str
    start_s: float
    end_s: float
    logprob: float
    """Mean over its tokens."""
    no_speech_probability: float
    tokens: int


class Transcript(msgspec.Struct, frozen=True):
    """What speech-to-text heard. ``text`` is empty for silence and noise."""

    text: str
    language: str
    """BCP-47 tag, as asked for (``zh-TW``) or as detected (``en``)."""
    duration_s: float
    confidence: float = 0.0
    """exp(mean log probability of the tokens), 0..1; 0 when nothing was said."""
    no_speech_probability: float = 0.0
    words: tuple[Word, ...] = ()
    segments: tuple[Segment, ...] = ()
    model: str = ""
    compute_ms: float = 0.0
    """Time the engine computed, without waiting for its turn."""
    wait_ms: float = 0.0


class ToolCallDelta(msgspec.Struct, frozen=True):
    """A piece of a function call as the chat model streams it; ``id`` and ``name`` come with the first piece."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Usage(msgspec.Struct, frozen=True):
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


class ChatDelta(msgspec.Struct, frozen=True):
    """One step of a streamed answer."""

    text: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: str | None = None
    """``stop``, ``length``, ``tool_calls`` or ``content_filter``, with the last step only."""
    usage: Usage | None = None


class ChatRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A chat completion in the OpenAI form. ``messages`` hold role/content/tool_calls/tool_call_id objects."""

    messages: tuple[Mapping[str, Any], ...]
    model: str = ""
    """Empty means the host's default chat model."""
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    prompt_cache_key: str = ""
    """Requests with the same key go on from each other's prompts (OpenAI's field of that name); empty: unknown."""


Quality = Literal["fast", "fine"]
"""How speech is made: at once, or better and later."""


class Reference(msgspec.Struct, frozen=True):
    """A person's recorded speech and its exact words: what a cloning engine speaks after."""

    id: str
    """Opaque; the host keeps references by it and forgets them by it."""
    transcript: str
    language: str
    """BCP-47 tag of what was said."""
    digest: str
    """SHA-256 in hex of the sound and the transcript: another one under the same id is another reference."""
    pcm: bytes
    """PCM16 mono at WIRE_RATE."""

    @classmethod
    def of(cls, reference_id: str, pcm: bytes, *, transcript: str, language: str) -> "Reference":
        """A reference with its digest."""
        digest = hashlib.sha256(pcm + b"\0" + transcript.encode()).hexdigest()
        return cls(id=reference_id, transcript=transcript, language=language, digest=digest, pcm=pcm)

    def __repr__(self) -> str:
        return f"Reference({self.id!r}, {len(self.pcm) / 2 / WIRE_RATE:.1f} s)"


class SpeechMade(msgspec.Struct, frozen=True):
    """Who speaks, told before the first sound."""

    engine: str
    """The engine's short name: ``hibari``, ``f5``, ``cosyvoice``, ``url``."""
    model: str
    voice: str
    """Id of the embedded voice, or the id of the reference."""
    cloned: bool = False
    watermarked: bool = False
    fallback: str = ""
    """Why it is not the voice that was asked for (a stable code such as ``cloning_unavailable``); empty when it is."""
    quality: Quality = "fast"
    """How it is made, which is not what was asked for while the fine engine is away."""


class WatermarkFound(msgspec.Struct, frozen=True):
    """Whether a recording carries the mark of cloned speech."""

    present: bool
    confidence: float
    """0..1, of the three seconds in which it is surest."""
    share: float
    """Part of the recording's sound that carries it, 0..1."""


class VoiceInfo(msgspec.Struct, frozen=True):
    id: str
    name: str
    engine: str
    languages: tuple[str, ...]
    """BCP-47 tags it can speak."""
    clones: bool = False


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


class DeviceMemory(msgspec.Struct, frozen=True):
    """Memory of the host or of a GPU, in bytes."""

    name: str
    """``host``, ``cuda:0`` and on."""
    total: int
    limit: int
    """The ceiling."""
    used: int
    """By anybody."""
    promised: int
    """To engines that are loading, and to sessions, and not used yet."""
    others: int
    """Used by other programs."""
    kept_for_others: int
    free_for_sessions: int


class EngineMemory(msgspec.Struct, frozen=True):
    """What one engine takes of its device, in bytes."""

    name: str
    model: str
    """Empty for what is no model: the host itself, the sessions' buffers."""
    kind: str
    role: str
    """``core``, ``voice``, ``clone`` or ``fine``: fine gives way first, core never."""
    device: str
    state: str
    """``absent``, ``loading``, ``loaded`` or ``unloading``."""
    declared: int
    session: int
    """What each session adds."""
    need: int
    """What it is counted with: as declared, corrected by what was measured."""
    measured: int | None = None


class MemoryStatus(msgspec.Struct, frozen=True):
    """What the memory gate of a host knows."""

    devices: tuple[DeviceMemory, ...] = ()
    engines: tuple[EngineMemory, ...] = ()
    sessions: int = 0
    max_sessions: int = 0
    waiting: int = 0
    queue_places: int = 0
    service: ServiceLevel = "full"
    service_reason: str = ""
