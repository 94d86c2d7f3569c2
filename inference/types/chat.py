"""What a chat model is asked, and what it gives."""

from collections.abc import Mapping
from typing import Any

import msgspec


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
