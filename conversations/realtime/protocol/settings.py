"""The session's configuration as it travels in ``session.update``, ``session.created`` and ``session.updated``."""

from typing import Annotated, Any, Literal

import msgspec

from inference.types import Quality

Modality = Literal["text", "audio"]
Unit = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Tokens = Annotated[int, msgspec.Meta(ge=1, le=4096)]


class PcmFormat(msgspec.Struct, frozen=True, tag="audio/pcm"):
    """Base64 PCM16 little endian mono at 24 kHz: the one format spoken here."""

    rate: Literal[24000] = 24000


class Transcription(msgspec.Struct, frozen=True, kw_only=True):
    model: str | None = None
    language: str | None = None
    prompt: str | None = None


class NoiseReduction(msgspec.Struct, frozen=True, kw_only=True):
    """Taken and echoed; the embedded engines hear the sound as it comes."""

    type: Literal["near_field", "far_field"]


class ServerVad(msgspec.Struct, frozen=True, kw_only=True, tag="server_vad"):
    threshold: Unit = 0.5
    prefix_padding_ms: Annotated[int, msgspec.Meta(ge=0, le=5000)] = 300
    silence_duration_ms: Annotated[int, msgspec.Meta(ge=32, le=10_000)] | None = None
    """Kept to exactly when set; None leaves the end of the turn to our own endpointing."""
    idle_timeout_ms: Annotated[int, msgspec.Meta(ge=1000, le=600_000)] | None = None
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(msgspec.Struct, frozen=True, kw_only=True, tag="semantic_vad"):
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetection = ServerVad | SemanticVad


class AudioInput(msgspec.Struct, frozen=True, kw_only=True):
    format: PcmFormat = PcmFormat()
    transcription: Transcription | None = Transcription()
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = ServerVad()


class AudioOutput(msgspec.Struct, frozen=True, kw_only=True):
    format: PcmFormat = PcmFormat()
    voice: str = ""
    speed: Annotated[float, msgspec.Meta(ge=0.25, le=1.5)] = 1.0


class Audio(msgspec.Struct, frozen=True, kw_only=True):
    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class FunctionTool(msgspec.Struct, frozen=True, kw_only=True, tag="function"):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    """A JSON schema, passed to the chat model as it is."""


class FunctionChoice(msgspec.Struct, frozen=True, kw_only=True, tag="function"):
    name: str


ToolChoice = Literal["auto", "none", "required"] | FunctionChoice
Tools = Annotated[tuple[FunctionTool, ...], msgspec.Meta(max_length=128)]
Modalities = Annotated[tuple[Modality, ...], msgspec.Meta(min_length=1, max_length=1)]
"""Text or audio; audio brings its transcript, so both at once are not asked for."""


class AvatarSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is ours."""

    quality: Quality = "fast"
    """``fine`` speaks better and later, where the machine has an engine for it; else it is as ``fast``."""


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True, tag="realtime"):
    """The effective session, complete."""

    id: str
    model: str
    object: Literal["realtime.session"] = "realtime.session"
    expires_at: int = 0
    """Unix time at which the longest session ends."""
    instructions: str = ""
    output_modalities: Modalities = ("audio",)
    audio: Audio = Audio()
    tools: Tools = ()
    tool_choice: ToolChoice = "auto"
    max_output_tokens: Tokens | Literal["inf"] = "inf"
    include: tuple[str, ...] | None = None
    truncation: Any = "auto"
    tracing: Any = None
    avatar: AvatarSettings | msgspec.UnsetType = msgspec.UNSET
    """Told to whoever has set it."""

    @property
    def quality(self) -> Quality:
        return self.avatar.quality if isinstance(self.avatar, AvatarSettings) else "fast"
