"""Conversation items as they travel, in both directions."""

from typing import Literal

import msgspec

Status = Literal["completed", "incomplete", "in_progress"]


class InputText(msgspec.Struct, frozen=True, tag="input_text"):
    text: str


class InputAudio(msgspec.Struct, frozen=True, tag="input_audio"):
    """``audio`` is base64 PCM16 at WIRE_RATE: from the client, or when an item is retrieved."""

    audio: str | None = None
    transcript: str | None = None


class OutputText(msgspec.Struct, frozen=True, tag="output_text"):
    text: str


class OutputAudio(msgspec.Struct, frozen=True, tag="output_audio"):
    transcript: str | None = None
    audio: str | None = None


Content = InputText | InputAudio | OutputText | OutputAudio
InputContent = InputText | InputAudio
OutputContent = OutputText | OutputAudio


class Message(msgspec.Struct, frozen=True, kw_only=True, tag="message"):
    role: Literal["system", "user", "assistant"]
    content: tuple[Content, ...] = ()
    id: str | None = None
    status: Status = "completed"
    object: Literal["realtime.item"] = "realtime.item"

    @property
    def text(self) -> str:
        """All its words, written or spoken."""
        parts = (part.text if isinstance(part, InputText | OutputText) else part.transcript for part in self.content)
        return " ".join(part for part in parts if part)


class FunctionCall(msgspec.Struct, frozen=True, kw_only=True, tag="function_call"):
    name: str
    arguments: str
    call_id: str | None = None
    id: str | None = None
    status: Status = "completed"
    object: Literal["realtime.item"] = "realtime.item"


class FunctionCallOutput(msgspec.Struct, frozen=True, kw_only=True, tag="function_call_output"):
    call_id: str
    output: str
    id: str | None = None
    status: Status = "completed"
    object: Literal["realtime.item"] = "realtime.item"


class ItemReference(msgspec.Struct, frozen=True, kw_only=True, tag="item_reference"):
    """Stands for an item of the conversation in the ``input`` of ``response.create``."""

    id: str


Item = Message | FunctionCall | FunctionCallOutput
