"""What crosses the boundary between the engine host and its clients.

Plain values: importable from everywhere, importing nothing of ours. Sound between stages is PCM16 little endian mono;
speech-to-text and turn detection take it at ``STT_RATE``, text-to-speech and the wire give it at ``WIRE_RATE``.
"""

from inference.types.chat import ChatDelta, ChatRequest, ToolCallDelta, Usage
from inference.types.hearing import Segment, Transcript, Word
from inference.types.memory import DeviceMemory, EngineMemory, MemoryStatus
from inference.types.sound import EMBEDDING_SIZE, STT_RATE, WIRE_RATE
from inference.types.speech import Quality, Reference, SpeechMade, VoiceInfo, WatermarkFound
from inference.types.status import (
    ChatFigures,
    EngineKind,
    EngineState,
    EngineStatus,
    HostStatus,
    Queued,
    ServiceLevel,
    called,
)

__all__ = [
    "EMBEDDING_SIZE",
    "STT_RATE",
    "WIRE_RATE",
    "ChatDelta",
    "ChatFigures",
    "ChatRequest",
    "DeviceMemory",
    "EngineKind",
    "EngineMemory",
    "EngineState",
    "EngineStatus",
    "HostStatus",
    "MemoryStatus",
    "Quality",
    "Queued",
    "Reference",
    "Segment",
    "ServiceLevel",
    "SpeechMade",
    "ToolCallDelta",
    "Transcript",
    "Usage",
    "VoiceInfo",
    "WatermarkFound",
    "Word",
    "called",
]
