"""A required function call: the grammar's text comes back as the pieces of a tool call, however it is cut."""

import msgspec
import pytest

from inference import wire_chat
from inference.host.chat.forced_call import ForcedCall, constrained, forced_functions

TEXT = '{"name": "set \\"light\\"",\n "arguments": {"room": "a } b", "levels": [1, {"x": "\\"{"}], "on": true}}'
TOOLS = [
    {"type": "function", "function": {"name": "one", "parameters": {"type": "object"}}},
    {"type": "function", "function": {"name": "two"}},
]


def chunk(text: str, finish: str | None = None) -> bytes:
    return msgspec.json.encode({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
def test_the_pieces_join_to_the_call(size: int) -> None:
    call = ForcedCall()
    deltas = [wire_chat.read_delta(call.event(chunk(TEXT[at : at + size]))) for at in range(0, len(TEXT), size)]
    deltas.append(wire_chat.read_delta(call.event(chunk("", "stop"))))
    pieces = [piece for delta in deltas for piece in delta.tool_calls]
    assert pieces[0].name == 'set "light"'
    assert pieces[0].id
    assert [piece.name for piece in pieces[1:]] == [None] * (len(pieces) - 1)
    arguments = msgspec.json.decode("".join(piece.arguments for piece in pieces))
    assert arguments == {"room": "a } b", "levels": [1, {"x": '"{'}], "on": True}
    assert not any(delta.text for delta in deltas)
    assert deltas[-1].finish_reason == "tool_calls"


def test_a_whole_answer() -> None:
    choice = {"message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    body = msgspec.json.encode({"choices": [choice]})
    delta = wire_chat.read_completion(ForcedCall().whole(body))
    assert delta.tool_calls[0].name == 'set "light"'
    assert msgspec.json.decode(delta.tool_calls[0].arguments)["on"] is True
    assert delta.finish_reason == "tool_calls"


def test_an_answer_cut_by_its_length_says_so() -> None:
    delta = wire_chat.read_delta(ForcedCall().event(chunk(TEXT[:40], "length")))
    assert delta.finish_reason == "length"


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("required", ["one", "two"]),
        ({"type": "function", "function": {"name": "two"}}, ["two"]),
        ({"type": "function", "name": "one"}, ["one"]),
        ("auto", []),
        ("none", []),
        (None, []),
    ],
)
def test_which_functions_are_forced(choice: object, names: list[str]) -> None:
    functions = forced_functions({"tools": TOOLS, "tool_choice": choice})
    assert [tool["function"]["name"] for tool in functions] == names


def test_the_prompt_still_shows_every_function() -> None:
    body = constrained({"messages": [], "tools": TOOLS, "tool_choice": "required", "max_tokens": 9}, TOOLS[:1])
    assert body["chat_template_kwargs"] == {"tools": TOOLS}
    assert "tools" not in body
    assert body["max_tokens"] == 9
