"""How requests and answers look on the way between client and host: OpenAI's JSON, and a few fields more."""

from collections.abc import AsyncIterable, AsyncIterator

import msgspec

from inference.errors import EngineError
from inference.types import HostStatus, MemoryStatus, Queued, Transcript
from inference.wire_errors import ToldError, as_error, decode

DUE_HEADER = "X-Avatar-Due-In-Ms"
"""When the result is needed, in milliseconds from now."""
EXPIRES_HEADER = "X-Avatar-Expires-In-Ms"
"""When the work is pointless if it has not begun, in milliseconds from now."""
_MOST_EVENT_BYTES = 1024 * 1024


class _Transcription(msgspec.Struct):
    text: str
    language: str = ""
    duration: float = 0.0
    avatar: Transcript | None = None


class _Probability(msgspec.Struct):
    probability: float


class _Embedding(msgspec.Struct):
    embedding: tuple[float, ...]


class _Lease(msgspec.Struct):
    id: str = ""
    queued: Queued | None = None
    error: ToldError | str | None = None


async def events(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The data of server-sent events until ``[DONE]`` or the end; an event beyond 1 MB raises `EngineError`."""
    data: list[bytes] = []
    line = b""
    async for chunk in chunks:
        *lines, line = (line + chunk).split(b"\n")
        if len(line) > _MOST_EVENT_BYTES:
            raise EngineError("The chat server sent an event that is too long.")
        for item in lines:
            text = item.rstrip(b"\r")
            if text.startswith(b"data:"):
                data.append(text[5:].removeprefix(b" "))
            elif not text and data:
                event = b"\n".join(data)
                data = []
                if event == b"[DONE]":
                    return
                yield event


def read_transcript(body: bytes) -> Transcript:
    """The whole transcript of an AVATAR host, or what any other server's ``verbose_json`` tells."""
    answer = decode(body, _Transcription)
    return answer.avatar or Transcript(text=answer.text, language=answer.language, duration_s=answer.duration)


def read_probability(body: bytes) -> float:
    return decode(body, _Probability).probability


def read_embedding(body: bytes) -> tuple[float, ...]:
    return decode(body, _Embedding).embedding


def read_lease(line: bytes) -> str | Queued | None:
    """A line of a lease's response: the place's id, a position in the queue, or a heartbeat; raises a refusal."""
    told = decode(line, _Lease)
    if told.error is not None:
        raise as_error(503, told.error)
    return told.id or told.queued


def read_status(body: bytes) -> HostStatus:
    return decode(body, HostStatus)


def read_memory(body: bytes) -> MemoryStatus:
    return decode(body, MemoryStatus)
