"""POST /v1/audio/speech: text to sound, streamed as the voice makes it; the headers say who speaks."""

from contextlib import ExitStack
from typing import Literal

import msgspec
import structlog
from aiohttp import web

from inference.audio.wav import streamed_wav_header
from inference.errors import EngineError, EngineRefused
from inference.host.errors import NotTaken
from inference.host.host import HOST, Host
from inference.host.request import due_at, expires_at, read_json
from inference.host.routes.listener import Listener, hang_up
from inference.host.speech.router import Spoken
from inference.host.speech.speaker import SpeechAsk
from inference.types import WIRE_RATE, Quality
from inference.wire_speech import made_headers

log = structlog.get_logger(__name__)
_MOST_CHARACTERS = 4_096
_SLOWEST = 2.0
"""A listener may take so many times as long as the sound lasts: nobody listens so slowly."""
_CONTENT_TYPES = {"pcm": f"audio/pcm; rate={WIRE_RATE}", "wav": "audio/wav", "opus": "audio/ogg"}


class Extras(msgspec.Struct):
    """Our own part of a request: a reference that was PUT before, and how to speak."""

    reference: str = ""
    digest: str = ""
    quality: Quality = "fast"


class SpeechRequest(msgspec.Struct):
    """OpenAI's request; ``language`` (a BCP-47 tag) and ``avatar`` are ours."""

    input: str
    voice: str | dict[str, str] = ""
    model: str = ""
    response_format: Literal["pcm", "wav", "opus"] = "wav"
    speed: float = 1.0
    language: str = ""
    instructions: str = ""
    avatar: Extras = msgspec.field(default_factory=Extras)


async def speech(request: web.Request) -> web.StreamResponse:
    host = request.app[HOST]
    due, expires = due_at(request), expires_at(request)
    asked = await read_json(request, SpeechRequest)
    ask = _ask(host, asked, due, expires)
    with ExitStack() as stack:
        if ask.reference is not None:
            stack.enter_context(host.speech.references.in_use(ask.reference.id, lambda: hang_up(request)))
        # Nothing is sent before the first piece: it decides whether this is an answer or an error.
        async with host.speech.spoken(ask) as spoken:
            host.metrics.said(spoken.made)
            if not spoken.made.cloned:
                stack.close()  # a voice that stands in is nobody's: it may go on when the reference is forgotten
            if asked.response_format == "opus":
                return await _opus(host, spoken, ask)
            return await _stream(request, asked, spoken)


def _ask(host: Host, asked: SpeechRequest, due: float, expires: float) -> SpeechAsk:
    if len(asked.input) > _MOST_CHARACTERS:
        raise EngineRefused(f"`input` must be at most {_MOST_CHARACTERS} characters.")
    if not 0.25 <= asked.speed <= 4.0:
        raise EngineRefused("`speed` must be between 0.25 and 4.")
    if len(asked.instructions) > _MOST_CHARACTERS:
        raise EngineRefused(f"`instructions` must be at most {_MOST_CHARACTERS} characters.")
    extras = asked.avatar
    reference = host.speech.references.get(extras.reference, extras.digest) if extras.reference else None
    return SpeechAsk(
        text=asked.input,
        language=asked.language,
        voice=asked.voice if isinstance(asked.voice, str) else asked.voice.get("id", ""),
        speed=asked.speed,
        reference=reference,
        quality=extras.quality,
        instructions=asked.instructions,
        due=due,
        expires=expires,
    )


async def _opus(host: Host, spoken: Spoken, ask: SpeechAsk) -> web.Response:
    from inference.audio.opus import encode_opus  # noqa: PLC0415 - FFmpeg's libraries: 20 MB for those who ask

    pcm = b"".join([piece async for piece in spoken.pcm])
    opus = await host.workers.run(lambda _: encode_opus(pcm), {"light": 1}, due=ask.due, expires=ask.expires)
    return web.Response(body=opus.value, content_type=_CONTENT_TYPES["opus"], headers=made_headers(spoken.made))


async def _stream(request: web.Request, asked: SpeechRequest, spoken: Spoken) -> web.StreamResponse:
    headers = {"Content-Type": _CONTENT_TYPES[asked.response_format], **made_headers(spoken.made)}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    listener = Listener(response, slowest_s=_SLOWEST / (WIRE_RATE * 2))
    try:
        if asked.response_format == "wav":
            await listener.give(streamed_wav_header(rate=WIRE_RATE))
        async for piece in spoken.pcm:
            await listener.give(piece)
        await listener.end()
    except EngineError as error:
        # Half an answer has been sent: breaking the connection is the only way left to say that it is not whole.
        if isinstance(error, NotTaken):
            log.warning("speech_not_taken", engine=spoken.made.engine)
        hang_up(request)
        raise
    return response
