"""POST /v1/audio/speech: a text aloud, streamed while it is spoken, as sound or as server-sent events."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

import msgspec
from django.http import StreamingHttpResponse

from avatar_project.openai_api.callers import AUDIO
from avatar_project.openai_api.errors import invalid, of_engine
from avatar_project.openai_api.handler import BrokenOff, Request
from avatar_project.openai_api.saying import said
from avatar_project.openai_api.views import SSE, UNBUFFERED, Answer, caller, event, read_json, view
from avatar_project.openai_api.voices import chosen
from inference.audio.encode import CONTENT_TYPES, SoundEncoder, SoundFormat
from inference.errors import EngineError
from inference.types import WIRE_RATE, Quality, SpeechMade
from inference.wire_speech import made_headers

MOST_CHARACTERS = 4096
_MOST_INSTRUCTIONS = 1024
_PLAIN = ("wav", "pcm")
"""Written without a codec, so without a thread."""


class Ours(msgspec.Struct, frozen=True):
    """What OpenAI's request has no field for."""

    quality: Quality | None = None


class SpeechRequest(msgspec.Struct, frozen=True):
    """OpenAI's request; ``language`` (a BCP-47 tag) and ``avatar`` are ours. What is not known is passed over."""

    input: str
    voice: str | dict[str, Any] = ""
    model: str = ""
    response_format: SoundFormat = "mp3"
    speed: float = 1.0
    stream_format: Literal["audio", "sse"] = "audio"
    instructions: str = ""
    """How it is to be said; engines that cannot be told pass over it."""
    language: str = ""
    avatar: Ours = Ours()
    ref_audio: msgspec.Raw = msgspec.Raw()
    ref_text: msgspec.Raw = msgspec.Raw()

    @property
    def quality(self) -> Quality:
        """As said, or as the names of OpenAI's models have it: ``tts-1-hd`` is the better and slower one."""
        return self.avatar.quality or ("fine" if self.model.endswith("-hd") else "fast")


@view("POST", AUDIO)
async def speech(request: Request) -> Answer:
    asked = read_json(request, SpeechRequest)
    _check(asked)
    person_id = caller(request).named()
    voice = await chosen(asked.voice, person_id)
    sound = said(
        asked.input,
        voice,
        person_id=person_id,
        language=asked.language or spoken_in(asked.input),
        speed=asked.speed,
        quality=asked.quality,
        instructions=asked.instructions,
    )
    # Who speaks, and the first sound: what is refused is refused with a status.
    made = await anext(sound)
    first = await anext(sound, None)
    assert isinstance(made, SpeechMade)
    if first is None:
        raise invalid("`input` has nothing in it that can be spoken.", "input")
    assert isinstance(first, bytes)
    encoder = SoundEncoder(asked.response_format, WIRE_RATE)
    encoded = _encoded(encoder, first, sound, threaded=asked.response_format not in _PLAIN)
    if asked.stream_format == "sse":
        return StreamingHttpResponse(_events(encoded), headers={**SSE, **made_headers(made)})
    headers = {"Content-Type": CONTENT_TYPES[asked.response_format], **UNBUFFERED}
    return StreamingHttpResponse(_sound(encoded), headers={**headers, **made_headers(made)})


def spoken_in(text: str) -> str:
    """The language that the script shows, for a voice to be found that has it; empty when the voice may decide."""
    letters = [letter for letter in text if letter.isalpha()]
    chinese = sum("\u3400" <= letter <= "\u9fff" for letter in letters)
    return "zh" if letters and chinese * 3 > len(letters) else ""


def _check(asked: SpeechRequest) -> None:
    if not asked.input.strip():
        raise invalid("`input` is empty: there is nothing to say.", "input")
    if len(asked.input) > MOST_CHARACTERS:
        raise invalid(f"`input` must be at most {MOST_CHARACTERS} characters.", "input")
    if not 0.25 <= asked.speed <= 4.0:
        raise invalid("`speed` must be between 0.25 and 4.", "speed")
    if len(asked.instructions) > _MOST_INSTRUCTIONS:
        raise invalid(f"`instructions` must be at most {_MOST_INSTRUCTIONS} characters.", "instructions")
    if len(asked.language) > 35:
        raise invalid("`language` must be a BCP-47 tag such as zh-TW.", "language")
    if bytes(asked.ref_audio) or bytes(asked.ref_text):
        raise invalid(
            "A voice is borrowed with its owner's spoken consent only: make a profile at /voice-profiles and send its "
            "id as `voice`.",
            "ref_audio",
        )


async def _encoded(
    encoder: SoundEncoder, first: bytes, sound: AsyncGenerator[bytes | SpeechMade], *, threaded: bool
) -> AsyncGenerator[bytes]:
    """The sound in the format asked for, as it comes; raises what the engine raises."""

    async def ready(pcm: bytes | None) -> bytes:
        if threaded:
            return await asyncio.to_thread(encoder.finish if pcm is None else lambda: encoder.feed(pcm))
        return encoder.finish() if pcm is None else encoder.feed(pcm)

    async with aclosing(sound):
        if first and (piece := await ready(first)):
            yield piece
        async for pcm in sound:
            assert isinstance(pcm, bytes)
            if piece := await ready(pcm):
                yield piece
        if piece := await ready(None):
            yield piece


async def _sound(encoded: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(encoded):
        try:
            async for piece in encoded:
                yield piece
        except EngineError as error:
            raise BrokenOff(error.code) from None


async def _events(encoded: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(encoded):
        try:
            async for piece in encoded:
                yield event({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()})
        except EngineError as error:
            yield of_engine(error).event()
            return
        usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
        yield event({"type": "speech.audio.done", "usage": usage})
