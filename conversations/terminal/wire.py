"""A small client of the Realtime protocol."""

import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from inference.types import WIRE_RATE

CONNECT_WITHIN_S = 10.0
PCM_FORMAT = {"type": "audio/pcm", "rate": WIRE_RATE}


class WireError(Exception):
    """The conversation could not go on; the message says why and what to do."""


class Wire:
    """One connection: sends client events, yields server events as the objects that the protocol defines."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, kind: str, **fields: Any) -> None:
        await self._socket.send_str(msgspec.json.encode({"type": kind, **fields}).decode())

    async def append(self, pcm: bytes) -> None:
        """pcm: PCM16 mono at `WIRE_RATE`."""
        await self.send("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    async def close(self) -> None:
        await self._socket.close()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Ends when the server closes; raises `WireError` when it closes for a reason of its own."""
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                yield msgspec.json.decode(message.data)
        code = self._socket.close_code
        if code not in {1000, 1001, None}:
            raise WireError(f"The server closed the connection with code {code}.")


@contextlib.asynccontextmanager
async def connect(url: str, *, api_key: str = "", extras: bool = False, resume: str = "") -> AsyncIterator[Wire]:
    """url: ``ws://host:port/v1``, as for the OpenAI SDKs; ``resume``: a conversation's id.

    Raises `WireError` when it is no address, or nobody answers there.
    """
    query = ({"extras": "avatar"} if extras else {}) | ({"conversation": resume} if resume else {})
    address = f"{url.rstrip('/')}/realtime?{urlencode(query)}"
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WITHIN_S)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        try:
            socket = await http.ws_connect(address, headers=headers, max_msg_size=0, heartbeat=20)
        except aiohttp.InvalidURL as error:
            raise WireError(f"{url!r} is no address of a server, such as ws://127.0.0.1:8000/v1.") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            asked = "Is the server running (`make run`)? Where it listens on another port, say so with --url."
            raise WireError(f"No conversation at {address}: {error}. {asked}") from error
        async with socket:
            yield Wire(socket)
