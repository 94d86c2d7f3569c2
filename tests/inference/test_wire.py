"""What comes over the wire: events however they are cut, and every server's errors."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from inference import wire, wire_chat
from inference.errors import (
    ContextTooLong,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    ServerFull,
)
from inference.types import ChatRequest
from inference.wire_errors import read_error


async def stream_of(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_events_are_whole_however_they_are_cut(size: int) -> None:
    text = 'data: {"a": "é"}\r\n\r\n: ping\n\nevent: x\ndata: {"b":\ndata: 2}\n\n'.encode()
    text += b"data: [DONE]\n\ndata: late\n\n"
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    events = [event async for event in wire.events(stream_of(*chunks))]
    assert [msgspec.json.decode(event) for event in events] == [{"a": "é"}, {"b": 2}]


async def test_an_endless_event_is_refused() -> None:
    with pytest.raises(EngineError, match="too long"):
        async for _ in wire.events(stream_of(b"data: " + b"x" * 2_000_000)):
            pass


def test_an_error_within_a_stream_is_raised() -> None:
    event = b'{"error": {"message": "gone", "code": "engine_unavailable", "permanent": false}}'
    with pytest.raises(EngineUnavailable, match="gone"):
        wire_chat.read_delta(event)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, b'{"error": {"message": "full", "code": "server_full"}}', ServerFull),
        (400, b'{"error": {"message": "long", "code": "context_length_exceeded"}}', ContextTooLong),
        # vLLM's, llama.cpp's, Ollama's and FastAPI's forms
        (400, b'{"error": {"message": "maximum context length is 8", "code": 400}}', ContextTooLong),
        (400, b'{"error": {"code": 400, "message": "x", "type": "exceed_context_size_error"}}', ContextTooLong),
        (404, b'{"error": "model not found"}', EngineRefused),
        (422, b'{"detail": "field required"}', EngineRefused),
        (429, b'{"error": {"message": "slow down", "code": "rate_limit"}}', EngineUnavailable),
        (502, b"<html>Bad Gateway</html>", EngineUnavailable),
        (500, b'{"error": {"message": "oops"}}', EngineError),
    ],
)
def test_every_servers_errors_are_ours(status: int, body: bytes, kind: type[EngineError]) -> None:
    assert type(read_error(status, body)) is kind


def test_a_chunk_without_choices_tells_the_usage() -> None:
    delta = wire_chat.read_delta(b'{"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}')
    assert delta.usage is not None
    assert (delta.usage.input_tokens, delta.usage.output_tokens) == (5, 2)


def test_only_what_was_set_is_sent() -> None:
    body = msgspec.json.decode(
        wire_chat.chat_body(ChatRequest(messages=({"role": "user", "content": "x"},)), stream=True)
    )
    assert sorted(body) == ["messages", "model", "stream", "stream_options"]
