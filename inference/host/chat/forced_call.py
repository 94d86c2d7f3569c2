"""A function call that must happen: llama.cpp's grammar from the first token on, its text given back as a tool call.

llama.cpp itself lets a model talk for as long as it likes before a call that ``tool_choice`` requires; a small model
then never comes to it. So the answer is constrained to ``{"name": ..., "arguments": {...}}`` of one of the functions.
"""

import re
import uuid
from typing import Any

import msgspec

from inference.host.chat.backend import ChatBody

_HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^"{}\[\]]+|.', re.DOTALL)


def forced_functions(body: ChatBody) -> list[dict[str, Any]]:
    """The functions of which one must be called; empty when the model may choose not to."""
    choice = body.get("tool_choice")
    given = [tool for tool in body.get("tools") or () if isinstance(tool, dict)]
    tools = [tool for tool in given if isinstance(tool.get("function"), dict)]
    if choice == "required":
        return tools
    if isinstance(choice, dict):
        wanted = choice.get("function", choice).get("name")
        return [tool for tool in tools if tool["function"].get("name") == wanted]
    return []


def constrained(body: ChatBody, functions: list[dict[str, Any]]) -> ChatBody:
    """The request with the call as a schema; the prompt still shows all functions."""
    calls = [
        {
            "type": "object",
            "properties": {
                "name": {"const": tool["function"].get("name")},
                "arguments": tool["function"].get("parameters") or {"type": "object"},
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for tool in functions
    ]
    kept = {name: value for name, value in body.items() if name not in ("tools", "tool_choice", "parallel_tool_calls")}
    return {
        **kept,
        "chat_template_kwargs": {**(body.get("chat_template_kwargs") or {}), "tools": body["tools"]},
        "response_format": {"type": "json_schema", "json_schema": {"name": "call", "schema": {"anyOf": calls}}},
    }


class ForcedCall:
    """Turns the constrained text, as it comes, into a tool call's pieces."""

    def __init__(self) -> None:
        self._text = ""
        self._named = False
        self._depth = 0
        self._ended = False

    def event(self, event: bytes) -> bytes:
        """A streamed chunk with text becomes one with tool calls; others stay as they are."""
        chunk = msgspec.json.decode(event, type=dict[str, Any])
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            text = delta.pop("content", None)
            if text:
                calls = self._feed(text)
                if calls:
                    delta["tool_calls"] = calls
            if choice.get("finish_reason") == "stop":
                choice["finish_reason"] = "tool_calls"
        return msgspec.json.encode(chunk)

    def whole(self, answer: bytes) -> bytes:
        """The same for an answer that was not streamed."""
        told = msgspec.json.decode(answer, type=dict[str, Any])
        for choice in told.get("choices") or ():
            message = choice.get("message") or {}
            pieces = self._feed(message.get("content") or "")
            if pieces:
                called = pieces[0]
                called["function"]["arguments"] = "".join(piece["function"].get("arguments", "") for piece in pieces)
                message.update(content=None, tool_calls=[called])
            if choice.get("finish_reason") == "stop":
                choice["finish_reason"] = "tool_calls"
        return msgspec.json.encode(told)

    def _feed(self, text: str) -> list[dict[str, Any]]:
        self._text += text
        calls: list[dict[str, Any]] = []
        if not self._named:
            head = _HEAD.match(self._text)
            if head is None:
                return []
            self._named = True
            self._text = self._text[head.end() :]
            name = msgspec.json.decode(head[1], type=str)
            function = {"name": name, "arguments": ""}
            calls.append({"index": 0, "id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": function})
        arguments = self._arguments()
        if arguments:
            calls.append({"index": 0, "function": {"arguments": arguments}})
        return calls

    def _arguments(self) -> str:
        """The part of the arguments object that has come since; a string is held back until it is complete."""
        taken = 0
        for token in _TOKEN.finditer(self._text):
            if self._ended or token[0] == '"':
                break
            if token[0] in "{[":
                self._depth += 1
            elif token[0] in "}]":
                self._depth -= 1
            taken = token.end()
            self._ended = self._depth == 0 and token[0] in "}]"
        arguments, self._text = self._text[:taken], self._text[taken:]
        return arguments
