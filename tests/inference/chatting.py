"""Asking a chat model, with a function that it may call."""

import msgspec

from inference.client import EngineClient
from inference.types import ChatDelta, ChatRequest

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Taipei", "Paris"]}},
            "required": ["city"],
        },
    },
}


def asking(text: str, **more: object) -> ChatRequest:
    request = ChatRequest(messages=({"role": "user", "content": text},), max_tokens=24, temperature=0, seed=1)
    return msgspec.structs.replace(request, **more)


async def answer(client: EngineClient, request: ChatRequest) -> list[ChatDelta]:
    return [delta async for delta in client.chat(request)]
