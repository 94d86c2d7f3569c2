"""What the chat model is shown: the instructions, then what was said and *heard*, oldest first.

Each prompt begins with the whole of the one before it, so that the model's prefix cache holds. When the window is full
the oldest whole turns go, many at once: dropping a little every turn would empty the cache every turn.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from conversations.realtime.items import Entry
from conversations.realtime.protocol.items import FunctionCall, FunctionCallOutput, Item
from conversations.realtime.protocol.settings import FunctionChoice, FunctionTool, ToolChoice
from inference.chinese_script import script_of

DEFAULT_INSTRUCTIONS = (
    "You are a friendly voice assistant. Your words are spoken aloud: answer in one to three short sentences, "
    "without lists, markup or emoji."
)
CHINESE_INSTRUCTIONS = (
    f"{DEFAULT_INSTRUCTIONS} Answer in the user's language; write Chinese in the characters that the user writes, "
    "Traditional or Simplified."
)
"""Many models answer a question in Traditional characters in Simplified ones (docs/adr/0149)."""
KEPT_SHARE = 0.5
"""After the window was full, the part of it that stays."""

ChatMessage = Mapping[str, Any]


class Window:
    """Remembers from which turn on the model is shown the conversation, and whether it is in Chinese."""

    def __init__(self) -> None:
        self._dropped: set[str] = set()
        self._chinese = False

    def instructions(self, given: str, language: str) -> str:
        """What the model is told for an answer in that language (a BCP-47 tag): ``given``, else ours.

        Once there was Chinese it stays at that, so that prompts go on from each other however languages change.
        """
        self._chinese = self._chinese or script_of(language, "traditional") is not None
        return given or (CHINESE_INSTRUCTIONS if self._chinese else DEFAULT_INSTRUCTIONS)

    def messages(self, instructions: str, entries: Iterable[Entry], budget_tokens: int) -> tuple[ChatMessage, ...]:
        """The prompt, within about ``budget_tokens``; the last turn always stays."""
        system: ChatMessage = {"role": "system", "content": instructions or DEFAULT_INSTRUCTIONS}
        turns = _turns(entry for entry in entries if entry.turn_id not in self._dropped)
        sizes = {turn_id: sum(map(tokens, messages)) for turn_id, messages in turns.items()}
        total = tokens(system) + sum(sizes.values())
        if total > budget_tokens:
            self._drop(sizes, total, int(budget_tokens * KEPT_SHARE))
        kept = (message for turn_id, messages in turns.items() if turn_id not in self._dropped for message in messages)
        return (system, *kept)

    def _drop(self, sizes: Mapping[str, int], total: int, target: int) -> None:
        for turn_id in list(sizes)[:-1]:
            if total <= target:
                break
            self._dropped.add(turn_id)
            total -= sizes[turn_id]


def _turns(entries: Iterable[Entry]) -> dict[str, list[ChatMessage]]:
    turns: dict[str, list[ChatMessage]] = {}
    for entry in entries:
        message = chat_message(entry.item, entry.heard)
        if message is not None and not entry.live:
            turns.setdefault(entry.turn_id, []).append(message)
    return turns


def chat_message(item: Item, heard: str | None = None) -> ChatMessage | None:
    """An item as chat completions have it; None for what says nothing (noise, an answer nobody heard)."""
    if isinstance(item, FunctionCall):
        call = {"id": item.call_id, "type": "function", "function": {"name": item.name, "arguments": item.arguments}}
        return {"role": "assistant", "content": "", "tool_calls": [call]}
    if isinstance(item, FunctionCallOutput):
        return {"role": "tool", "tool_call_id": item.call_id, "content": item.output}
    text = (item.text if heard is None else heard).strip()
    return {"role": item.role, "content": text} if text else None


def messages_of(items: Iterable[Item]) -> tuple[ChatMessage, ...]:
    """The items of a ``response.create`` that brings its own context."""
    return tuple(message for item in items if (message := chat_message(item)) is not None)


def tokens(message: ChatMessage) -> int:
    """An upper estimate that needs no tokenizer: about 3 bytes of UTF-8 a token, and the template around a message."""
    size = len(str(message.get("content") or "").encode()) + len(str(message.get("tool_calls") or ""))
    return 8 + size // 3


def chat_tools(tools: Iterable[FunctionTool]) -> tuple[Mapping[str, Any], ...]:
    """Function tools as chat completions have them."""
    return tuple(
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description or "",
                "parameters": tool.parameters or {"type": "object", "properties": {}},
            },
        }
        for tool in tools
    )


def chat_tool_choice(choice: ToolChoice) -> str | Mapping[str, Any]:
    if isinstance(choice, FunctionChoice):
        return {"type": "function", "function": {"name": choice.name}}
    return choice
