"""What the routes read from a request: deadlines, bodies within bounds."""

import asyncio
from typing import TypeVar

import msgspec
from aiohttp import BodyPartReader, web

from inference.errors import AudioRefused, EngineRefused
from inference.types import STT_RATE
from inference.wire import DUE_HEADER, EXPIRES_HEADER

T = TypeVar("T")
_LONGEST_MS = 3_600_000.0
_DEFAULT_EXPIRES_MS = 60_000.0
_BODY_TIMEOUT_S = 60.0
_MOST_PCM_S = 60


def due_at(request: web.Request) -> float:
    """The request's deadline as a time of the event loop; now, when it names none."""
    return asyncio.get_running_loop().time() + _header_ms(request, DUE_HEADER, 0.0) / 1000


def expires_at(request: web.Request) -> float:
    """When the work is pointless if it has not begun, as a time of the event loop."""
    after_ms = _header_ms(request, EXPIRES_HEADER, _DEFAULT_EXPIRES_MS)
    return asyncio.get_running_loop().time() + after_ms / 1000


def _header_ms(request: web.Request, name: str, default: float) -> float:
    text = request.headers.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        raise EngineRefused(f"{name} must be milliseconds, not {text[:20]!r}.") from None
    if not -_LONGEST_MS <= value <= _LONGEST_MS:
        raise EngineRefused(f"{name} must be within an hour.")
    return value


async def read_json(request: web.Request, kind: type[T]) -> T:
    """The body as ``kind``; raises `EngineRefused` naming the field that is wrong."""
    async with asyncio.timeout(_BODY_TIMEOUT_S):
        body = await request.read()
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise EngineRefused(f"The request is not what it should be: {error}") from None


async def read_pcm(request: web.Request) -> bytes:
    """The body as PCM16 mono at `STT_RATE`, at most a minute; raises `AudioRefused` for anything else."""
    async with asyncio.timeout(_BODY_TIMEOUT_S):
        pcm = await request.read()
    if not pcm or len(pcm) % 2 or len(pcm) > _MOST_PCM_S * STT_RATE * 2:
        raise AudioRefused("The body must be PCM16 mono at 16 kHz, at most a minute of it.")
    return pcm


async def read_part(part: BodyPartReader, most: int) -> bytes:
    """One part of a multipart body, at most ``most`` bytes."""
    data = bytearray()
    async with asyncio.timeout(_BODY_TIMEOUT_S):
        while chunk := await part.read_chunk(65_536):
            data += chunk
            if len(data) > most:
                raise AudioRefused(f"The part {part.name!r} is larger than {most // 1024} KB.")
    return bytes(data)
