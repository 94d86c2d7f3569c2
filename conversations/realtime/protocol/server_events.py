"""What the server says. Every type validates against `openai.types.realtime.RealtimeServerEvent`: tests see to it."""

from typing import Literal

import msgspec

from conversations.realtime.ids import event_id
from conversations.realtime.protocol.items import Item
from conversations.realtime.protocol.settings import Modality, PcmFormat, SessionSettings


class ServerEvent(msgspec.Struct, kw_only=True):
    """Base of all events; they are written once and not changed."""

    event_id: str = msgspec.field(default_factory=event_id)


class SessionCreated(ServerEvent, kw_only=True, tag="session.created"):
    session: SessionSettings


class SessionUpdated(ServerEvent, kw_only=True, tag="session.updated"):
    session: SessionSettings


class ErrorBody(msgspec.Struct, kw_only=True):
    type: str
    code: str
    message: str
    param: str | None = None
    event_id: str | None = None


class ErrorEvent(ServerEvent, kw_only=True, tag="error"):
    error: ErrorBody


class SpeechStartedEvent(ServerEvent, kw_only=True, tag="input_audio_buffer.speech_started"):
    item_id: str
    audio_start_ms: int


class SpeechStoppedEvent(ServerEvent, kw_only=True, tag="input_audio_buffer.speech_stopped"):
    item_id: str
    audio_end_ms: int


class AudioCommitted(ServerEvent, kw_only=True, tag="input_audio_buffer.committed"):
    item_id: str
    previous_item_id: str | None


class AudioCleared(ServerEvent, kw_only=True, tag="input_audio_buffer.cleared"):
    pass


class OutputCleared(ServerEvent, kw_only=True, tag="output_audio_buffer.cleared"):
    """Throw away the sound that was sent and is not played yet: other sound follows."""

    response_id: str


class TimeoutTriggered(ServerEvent, kw_only=True, tag="input_audio_buffer.timeout_triggered"):
    item_id: str
    audio_start_ms: int
    audio_end_ms: int


class ItemAdded(ServerEvent, kw_only=True, tag="conversation.item.added"):
    item: Item
    previous_item_id: str | None


class ItemDone(ServerEvent, kw_only=True, tag="conversation.item.done"):
    item: Item
    previous_item_id: str | None


class ItemRetrieved(ServerEvent, kw_only=True, tag="conversation.item.retrieved"):
    item: Item


class ItemTruncated(ServerEvent, kw_only=True, tag="conversation.item.truncated"):
    item_id: str
    content_index: int
    audio_end_ms: int


class ItemDeletedEvent(ServerEvent, kw_only=True, tag="conversation.item.deleted"):
    item_id: str


class DurationUsage(msgspec.Struct, tag="duration"):
    seconds: float


class TranscriptionDelta(ServerEvent, kw_only=True, tag="conversation.item.input_audio_transcription.delta"):
    item_id: str
    delta: str
    content_index: int = 0


class TranscriptionCompleted(ServerEvent, kw_only=True, tag="conversation.item.input_audio_transcription.completed"):
    item_id: str
    transcript: str
    usage: DurationUsage
    content_index: int = 0


class ErrorDetails(msgspec.Struct, kw_only=True):
    type: str
    code: str
    message: str


class TranscriptionFailed(ServerEvent, kw_only=True, tag="conversation.item.input_audio_transcription.failed"):
    item_id: str
    error: ErrorDetails
    content_index: int = 0


class InputTokenDetails(msgspec.Struct, kw_only=True):
    text_tokens: int
    cached_tokens: int
    audio_tokens: int = 0
    image_tokens: int = 0


class OutputTokenDetails(msgspec.Struct, kw_only=True):
    text_tokens: int
    audio_tokens: int = 0


class ResponseUsage(msgspec.Struct, kw_only=True):
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_token_details: InputTokenDetails
    output_token_details: OutputTokenDetails


class StatusDetails(msgspec.Struct, kw_only=True):
    type: Literal["completed", "cancelled", "failed", "incomplete"]
    reason: str | None = None
    error: ErrorDetails | None = None


class ResponseAudioOutput(msgspec.Struct, kw_only=True):
    voice: str
    format: PcmFormat = PcmFormat()


class ResponseAudio(msgspec.Struct, kw_only=True):
    output: ResponseAudioOutput


FinalStatus = Literal["completed", "cancelled", "failed", "incomplete"]
ResponseStatus = Literal["in_progress", FinalStatus]


class ResponseBody(msgspec.Struct, kw_only=True):
    """The response resource."""

    id: str
    status: ResponseStatus
    conversation_id: str | None
    output_modalities: tuple[Modality, ...]
    audio: ResponseAudio
    max_output_tokens: int | Literal["inf"]
    output: tuple[Item, ...] = ()
    metadata: dict[str, str] | None = None
    status_details: StatusDetails | None = None
    usage: ResponseUsage | None = None
    object: Literal["realtime.response"] = "realtime.response"


class ResponseCreated(ServerEvent, kw_only=True, tag="response.created"):
    response: ResponseBody


class ResponseDone(ServerEvent, kw_only=True, tag="response.done"):
    response: ResponseBody


class InOutput(ServerEvent, kw_only=True):
    """Where in the answer an event belongs."""

    response_id: str
    output_index: int


class OutputItemAdded(InOutput, kw_only=True, tag="response.output_item.added"):
    item: Item


class OutputItemDone(InOutput, kw_only=True, tag="response.output_item.done"):
    item: Item


class InPart(InOutput, kw_only=True):
    item_id: str
    content_index: int = 0


class Part(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A content part of an answer: ``text`` with its text, ``audio`` with its transcript."""

    type: Literal["text", "audio"] | None = None
    text: str | None = None
    transcript: str | None = None


class ContentPartAdded(InPart, kw_only=True, tag="response.content_part.added"):
    part: Part


class ContentPartDone(InPart, kw_only=True, tag="response.content_part.done"):
    part: Part


class AudioDelta(InPart, kw_only=True, tag="response.output_audio.delta"):
    delta: str
    """Base64 PCM16 at WIRE_RATE."""


class AudioDone(InPart, kw_only=True, tag="response.output_audio.done"):
    pass


class AudioTranscriptDelta(InPart, kw_only=True, tag="response.output_audio_transcript.delta"):
    delta: str


class AudioTranscriptDone(InPart, kw_only=True, tag="response.output_audio_transcript.done"):
    transcript: str


class TextDelta(InPart, kw_only=True, tag="response.output_text.delta"):
    delta: str


class TextDone(InPart, kw_only=True, tag="response.output_text.done"):
    text: str


class ArgumentsDelta(InOutput, kw_only=True, tag="response.function_call_arguments.delta"):
    item_id: str
    call_id: str
    delta: str


class ArgumentsDone(InOutput, kw_only=True, tag="response.function_call_arguments.done"):
    item_id: str
    call_id: str
    name: str
    arguments: str


class RateLimit(msgspec.Struct, kw_only=True):
    name: Literal["requests", "tokens"]
    limit: int
    remaining: int
    reset_seconds: float


class RateLimitsUpdated(ServerEvent, kw_only=True, tag="rate_limits.updated"):
    rate_limits: tuple[RateLimit, ...]


def error_event(
    code: str,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    client_event_id: str | None = None,
) -> ErrorEvent:
    """An ``error`` event; ``kind`` is ``invalid_request_error`` or ``server_error``."""
    return ErrorEvent(error=ErrorBody(type=kind, code=code, message=message, param=param, event_id=client_event_id))
