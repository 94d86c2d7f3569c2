"""A microphone for tests against the running server: speech made with the embedded voice, sent in real time."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from inference.client import EngineClient
from inference.types import WIRE_RATE
from tests.server import Stack

CHUNK_S = 0.04
CHUNK_BYTES = 2 * int(WIRE_RATE * CHUNK_S)


async def speech(stack: Stack, text: str) -> bytes:
    """``text`` as the running installation's voice says it: PCM16 mono at WIRE_RATE."""
    async with EngineClient(stack.environment["AVATAR_ENGINE_URL"]) as engines:
        return b"".join([piece async for piece in engines.speak(text, voice="", language="en")])


def room(duration_s: float) -> bytes:
    """A quiet room: no microphone gives zeros."""
    noise = np.random.default_rng(3).normal(0, 2, int(duration_s * WIRE_RATE))
    return noise.astype("<i2").tobytes()


class Microphone:
    """Sends without pause, as a microphone does: what is said when something is said, the quiet room otherwise."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._waiting = b""

    def say(self, pcm: bytes) -> None:
        self._waiting += pcm

    async def run(self) -> None:
        """A task of the test's; cancel it."""
        silence = room(CHUNK_S)
        begin = asyncio.get_running_loop().time()
        sent = 0
        while True:
            chunk, self._waiting = self._waiting[:CHUNK_BYTES], self._waiting[CHUNK_BYTES:]
            sent += 1
            await asyncio.sleep(begin + sent * CHUNK_S - asyncio.get_running_loop().time())
            await self._send(chunk + silence[len(chunk) :])
