"""What other programs ask of the engines in OpenAI's form, handed on to the host much as it came."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import aiohttp
import msgspec

from inference import wire
from inference.errors import EngineError, EngineUnavailable
from inference.transport import Transport, broken_off
from inference.types import Transcript
from inference.wire_errors import read_error

COMPLETIONS = "/v1/chat/completions"
_TRANSCRIPTIONS = "/v1/audio/transcriptions"
_ANSWER_WITHIN_S = 300.0
_TRANSCRIBE_WITHIN_S = 900.0
"""Half an hour of speech beside conversations that come first."""


class _Heard(msgspec.Struct):
    delta: str = ""
    avatar: Transcript | None = None
    error: Any = None


class Relay:
    """Of one event loop; holds one pool of connections until `close`. Raises `inference.errors.EngineError`."""

    def __init__(self, url: str, *, api_key: str = "") -> None:
        self._transport = Transport(url, api_key)

    async def close(self) -> None:
        """Ends all connections, and with them all work."""
        await self._transport.close()

    async def completion(self, body: Mapping[str, Any], *, due_in_s: float) -> bytes:
        """The whole answer to a chat completion request, as the host gives it."""
        data = msgspec.json.encode(body)
        return await self._transport.whole("POST", COMPLETIONS, due_in_s, data=data, timeout_s=_ANSWER_WITHIN_S)

    async def completion_events(self, body: Mapping[str, Any], *, due_in_s: float) -> AsyncGenerator[bytes]:
        """The answer as server-sent events, in pieces as they come; closing the iterator stops the generation."""
        data = msgspec.json.encode(body)
        async with await self._transport.open("POST", COMPLETIONS, due_in_s, data=data) as response:
            with broken_off():
                async for piece in response.content.iter_any():
                    yield piece

    async def transcribe(
        self, file: bytes, *, language: str | None, prompt: str | None, words: bool, due_in_s: float
    ) -> Transcript:
        """A file of any format, of up to half an hour."""
        form = _form(file, language, prompt, words=words)
        timeout_s = _TRANSCRIBE_WITHIN_S
        return wire.read_transcript(
            await self._transport.whole("POST", _TRANSCRIPTIONS, due_in_s, data=form, timeout_s=timeout_s)
        )

    async def transcribe_as_heard(
        self, file: bytes, *, language: str | None, prompt: str | None, due_in_s: float
    ) -> AsyncGenerator[str | Transcript]:
        """Pieces of the text as they are heard, which make up the whole, then the whole; closing it stops the work."""
        form = _form(file, language, prompt, words=False)
        form.add_field("stream", "true")
        expires_in_s = _TRANSCRIBE_WITHIN_S
        opened = self._transport.open("POST", _TRANSCRIPTIONS, due_in_s, data=form, expires_in_s=expires_in_s)
        async with await opened as response:
            with broken_off():
                async for event in wire.events(response.content.iter_any()):
                    told = _read_heard(event)
                    yield told
                    if isinstance(told, Transcript):
                        return
        raise EngineUnavailable("The engine host ended its answer too early.")


def _form(file: bytes, language: str | None, prompt: str | None, *, words: bool) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("file", file, filename="sound", content_type="application/octet-stream")
    form.add_field("response_format", "verbose_json")
    for name, value in (("language", language), ("prompt", prompt)):
        if value:
            form.add_field(name, value)
    if words:
        form.add_field("timestamp_granularities[]", "word")
    return form


def _read_heard(event: bytes) -> str | Transcript:
    """A piece of a transcription's text, or in the end the whole; raises the `EngineError` that it carries."""
    try:
        heard = msgspec.json.decode(event, type=_Heard)
    except msgspec.MsgspecError as error:
        raise EngineError(f"The engine host's answer cannot be read: {error}") from None
    if heard.error is not None:
        raise read_error(503, event)
    return heard.avatar or heard.delta
