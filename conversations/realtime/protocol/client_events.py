"""What a client may say."""

from typing import Annotated, Any, Literal

import msgspec

from conversations.events import Keep
from conversations.realtime.protocol.items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    ItemReference,
    Message,
)
from conversations.realtime.protocol.settings import Modalities, Tokens, ToolChoice, Tools
from inference.types import Quality


class ClientEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Base: ``event_id`` is the client's own name for the event, repeated in an error about it."""

    event_id: str | None = None


class SessionUpdate(ClientEvent, frozen=True, kw_only=True, tag="session.update"):
    session: dict[str, Any]
    """Only what shall change; `conversations.realtime.config.updated` checks it."""


class AudioAppend(ClientEvent, frozen=True, kw_only=True, tag="input_audio_buffer.append"):
    audio: str


class AudioCommit(ClientEvent, frozen=True, kw_only=True, tag="input_audio_buffer.commit"):
    pass


class AudioClear(ClientEvent, frozen=True, kw_only=True, tag="input_audio_buffer.clear"):
    pass


class ItemCreate(ClientEvent, frozen=True, kw_only=True, tag="conversation.item.create"):
    item: Item
    previous_item_id: str | None = None


class ItemRetrieve(ClientEvent, frozen=True, kw_only=True, tag="conversation.item.retrieve"):
    item_id: str


class ItemTruncate(ClientEvent, frozen=True, kw_only=True, tag="conversation.item.truncate"):
    item_id: str
    content_index: int = 0
    audio_end_ms: Annotated[int, msgspec.Meta(ge=0)]


class ItemDelete(ClientEvent, frozen=True, kw_only=True, tag="conversation.item.delete"):
    item_id: str


class OutputChoice(msgspec.Struct, frozen=True, kw_only=True):
    voice: str | dict[str, str] | None = None


class AudioChoice(msgspec.Struct, frozen=True, kw_only=True):
    output: OutputChoice | None = None


class AvatarChoice(msgspec.Struct, frozen=True, kw_only=True):
    quality: Quality | None = None


class ResponseOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What this one answer shall do otherwise than the session says; None leaves it."""

    instructions: str | None = None
    output_modalities: Modalities | None = None
    audio: AudioChoice | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    max_output_tokens: Tokens | Literal["inf"] | None = None
    conversation: str | None = None
    """``none`` keeps the answer out of the conversation."""
    input: tuple[Message | FunctionCall | FunctionCallOutput | ItemReference, ...] | None = None
    """The context to answer to, instead of the conversation."""
    metadata: dict[str, str] | None = None
    avatar: AvatarChoice | None = None
    """What is ours: how this one answer is spoken."""

    @property
    def voice(self) -> str:
        """The voice asked for, by its name or as ``{"id": ...}``; empty leaves the session's."""
        chosen = self.audio.output.voice if self.audio is not None and self.audio.output is not None else None
        return (chosen.get("id", "") if isinstance(chosen, dict) else chosen) or ""


class ResponseCreate(ClientEvent, frozen=True, kw_only=True, tag="response.create"):
    response: ResponseOptions | None = None


class ResponseCancel(ClientEvent, frozen=True, kw_only=True, tag="response.cancel"):
    response_id: str | None = None


class KeepUpdate(ClientEvent, frozen=True, kw_only=True, tag="avatar.keep.update"):
    """What is kept of what is said from now on; only for a client that asked for the extras."""

    keep: Keep


class SelfVoiceUpdate(ClientEvent, frozen=True, kw_only=True, tag="avatar.self_voice.update"):
    """Whether answers may be spoken in the speaker's own voice: only ever on their own word, and off until then."""

    consent: bool


AnyClientEvent = (
    SessionUpdate
    | AudioAppend
    | AudioCommit
    | AudioClear
    | ItemCreate
    | ItemRetrieve
    | ItemTruncate
    | ItemDelete
    | ResponseCreate
    | ResponseCancel
    | KeepUpdate
    | SelfVoiceUpdate
)
