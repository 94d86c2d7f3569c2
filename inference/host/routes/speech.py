"""POST /v1/audio/speech: text to sound, streamed as the voice makes it."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Literal

import msgspec
from aiohttp import web

from inference.audio.wav import streamed_wav_header
from inference.engines.base import TextToSpeech
from inference.errors import EngineError, EngineRefused
from inference.host.host import HOST, Host
from inference.host.request import due_at, expires_at, read_json
from inference.host.workers import Done
from inference.speech.normalise import speakable
from inference.types import WIRE_RATE

_MOST_CHARACTERS = 4_096
_BYTES_PER_S = WIRE_RATE * 2
_CONTENT_TYPES = {"pcm": f"audio/pcm; rate={WIRE_RATE}", "wav": "audio/wav", "opus": "audio/ogg"}


class SpeechRequest(msgspec.Struct):
    """OpenAI's request; ``language`` (a BCP-47 tag) is ours and lets a voice be chosen by language."""

    input: str
    voice: str | dict[str, str] = ""
    model: str = ""
    response_format: Literal["pcm", "wav", "opus"] = "wav"
    speed: float = 1.0
    language: str = ""


async def speech(request: web.Request) -> web.StreamResponse:
    host = request.app[HOST]
    due, expires = due_at(request), expires_at(request)
    asked = await read_json(request, SpeechRequest)
    if len(asked.input) > _MOST_CHARACTERS:
        raise EngineRefused(f"`input` must be at most {_MOST_CHARACTERS} characters.")
    if not 0.25 <= asked.speed <= 4.0:
        raise EngineRefused("`speed` must be between 0.25 and 4.")
    async with aclosing(_sound(host, asked, due, expires)) as sound:
        # The first piece decides whether this is an answer or an error.
        first = await anext(sound, b"")
        if asked.response_format == "opus":
            from inference.audio.opus import encode_opus  # noqa: PLC0415 - FFmpeg's libraries: 20 MB for those who ask

            pcm = first + b"".join([piece async for piece in sound])
            opus = await host.workers.run(lambda _: encode_opus(pcm), {"light": 1}, due=due, expires=expires)
            return web.Response(body=opus.value, content_type=_CONTENT_TYPES["opus"])
        return await _stream(request, asked, first, sound)


async def _stream(
    request: web.Request, asked: SpeechRequest, first: bytes, sound: AsyncIterator[bytes]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": _CONTENT_TYPES[asked.response_format]})
    await response.prepare(request)
    if asked.response_format == "wav":
        await response.write(streamed_wav_header(rate=WIRE_RATE))
    try:
        await response.write(first)
        async for piece in sound:
            await response.write(piece)
    except EngineError:
        # Half an answer has been sent: breaking the connection is the only way left to say that it is not whole.
        if request.transport is not None:
            request.transport.abort()
        raise
    await response.write_eof()
    return response


async def _sound(host: Host, asked: SpeechRequest, due: float, expires: float) -> AsyncGenerator[bytes]:
    voice = asked.voice if isinstance(asked.voice, str) else asked.voice.get("id", "")
    slot, engine, chosen = await host.registry.speaker(voice, asked.language)
    language = asked.language or chosen.languages[0]

    def start() -> Iterator[bytes]:
        return _pieces(engine, asked.input, voice=chosen.id, language=language, speed=asked.speed)

    stream = host.workers.stream(start, slot.needs, due=due, expires=expires, seconds=_seconds)
    async with aclosing(stream) as pieces:
        done: Done[bytes]
        async for done in pieces:
            host.metrics.computed(slot.model, wait_ms=done.wait_ms, compute_ms=done.compute_ms)
            yield done.value


def _pieces(engine: TextToSpeech, text: str, *, voice: str, language: str, speed: float) -> Iterator[bytes]:
    """Runs in a worker thread; the engine cuts the text into pieces itself, so that a long one can be stopped early."""
    spoken = speakable(text, language)
    if spoken:
        yield from engine.synthesize(spoken, voice=voice, language=language, speed=speed)


def _seconds(pcm: bytes) -> float:
    return len(pcm) / _BYTES_PER_S
