"""POST /v1/audio/transcriptions: a file of any format, or plain WAV at once, to text."""

import io
import wave
from typing import Any, Literal, get_args

import msgspec
from aiohttp import BodyPartReader, web

from inference.audio.decode import DEFAULT_LIMITS, decode
from inference.audio.pcm import to_float
from inference.engines.base import Cancelled
from inference.errors import AudioRefused, EngineRefused
from inference.host.errors import json_response
from inference.host.host import HOST, Host
from inference.host.request import due_at, expires_at, read_part
from inference.types import STT_RATE, Transcript

Format = Literal["json", "verbose_json", "text"]
_MOST_TEXT = 8_192
_MOST_FIELDS = 32


class _Form(msgspec.Struct):
    """The fields of OpenAI's request that this host uses; others are taken and ignored."""

    file: bytes = b""
    language: str | None = None
    prompt: str | None = None
    response_format: str = "json"
    words: bool = False


async def transcriptions(request: web.Request) -> web.Response:
    host = request.app[HOST]
    due, expires = due_at(request), expires_at(request)
    form = await _read(request)
    pcm = _plain_wav(form.file)
    if pcm is None:
        decoded = await host.workers.run(
            lambda _: decode(form.file, rate=STT_RATE), {"decode": 1}, due=due, expires=expires
        )
        pcm = decoded.value.pcm
    transcript = await _transcribe(host, form, pcm, due, expires)
    if form.response_format == "text":
        return web.Response(text=transcript.text + "\n")
    return json_response(_answer(form, transcript))


async def _transcribe(host: Host, form: _Form, pcm: bytes, due: float, expires: float) -> Transcript:
    slot = host.registry.stt
    engine = await slot.get()
    audio = to_float(pcm)

    def call(cancelled: Cancelled) -> Transcript:
        return engine.transcribe(
            audio, language=form.language, prompt=form.prompt, words=form.words, cancelled=cancelled
        )

    done = await host.workers.run(call, slot.needs, due=due, expires=expires, can_step_back=True)
    host.metrics.computed(slot.model, wait_ms=done.wait_ms, compute_ms=done.compute_ms)
    return msgspec.structs.replace(
        done.value, wait_ms=round(done.wait_ms, 1), compute_ms=round(done.compute_ms, 1), model=slot.model
    )


def _answer(form: _Form, transcript: Transcript) -> dict[str, Any]:
    if form.response_format == "json":
        return {"text": transcript.text}
    answer = {
        "task": "transcribe",
        "language": transcript.language,
        "duration": transcript.duration_s,
        "text": transcript.text,
        "avatar": transcript,
    }
    if form.words:
        answer["words"] = [{"word": word.text, "start": word.start_s, "end": word.end_s} for word in transcript.words]
    return answer


async def _read(request: web.Request) -> _Form:
    if not request.content_type.startswith("multipart/"):
        raise EngineRefused("Send the audio as multipart/form-data with a part named `file`.")
    form = _Form()
    fields = 0
    try:
        async for part in await request.multipart():
            fields += 1
            if not isinstance(part, BodyPartReader) or fields > _MOST_FIELDS:
                raise EngineRefused("The form is nested or has too many parts.")
            await _take(form, part)
    except ValueError as error:
        raise EngineRefused(f"The multipart body is damaged: {error}") from None
    if not form.file:
        raise AudioRefused("The part named `file` is missing or empty.")
    if form.response_format not in get_args(Format):
        raise EngineRefused(f"`response_format` must be one of {', '.join(get_args(Format))}.")
    return form


async def _take(form: _Form, part: BodyPartReader) -> None:
    if part.name == "file":
        form.file = await read_part(part, DEFAULT_LIMITS.max_bytes)
        return
    text = (await read_part(part, _MOST_TEXT)).decode(errors="replace")
    match part.name:
        case "language":
            form.language = text or None
        case "prompt":
            form.prompt = text or None
        case "response_format":
            form.response_format = text
        case "timestamp_granularities[]" | "timestamp_granularities":
            form.words = form.words or text == "word"


def _plain_wav(data: bytes) -> bytes | None:
    """The samples when ``data`` is a PCM16 mono WAV at `STT_RATE`, as our own client sends it; else None."""
    if data[:4] != b"RIFF":
        return None
    try:
        with wave.open(io.BytesIO(data)) as file:
            if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, STT_RATE):
                return None
            if file.getnframes() > DEFAULT_LIMITS.max_seconds * STT_RATE:
                return None
            return bytes(file.readframes(file.getnframes()))
    except (wave.Error, EOFError):
        return None
