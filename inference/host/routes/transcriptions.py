"""POST /v1/audio/transcriptions: a file of any format, or plain WAV at once, to text."""

import asyncio
import io
import wave
import zlib
from typing import Any, Literal, get_args

import msgspec
from aiohttp import BodyPartReader, web

from inference.audio.decode import DEFAULT_LIMITS, decode
from inference.audio.pcm import to_float
from inference.engines.base import Cancelled, Hearing
from inference.errors import AudioRefused, EngineError, EngineRefused
from inference.host.errors import error_event, json_response
from inference.host.host import HOST, Host
from inference.host.request import due_at, expires_at, read_part
from inference.types import STT_RATE, Segment, Transcript

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
    stream: bool = False


async def transcriptions(request: web.Request) -> web.StreamResponse:
    host = request.app[HOST]
    due, expires = due_at(request), expires_at(request)
    form = await _read(request)
    pcm = _plain_wav(form.file)
    if pcm is None:
        decoded = await host.workers.run(
            lambda _: decode(form.file, rate=STT_RATE), {"decode": 1}, due=due, expires=expires
        )
        pcm = decoded.value.pcm
    if form.stream:
        return await _stream(request, host, form, pcm, due, expires)
    transcript = await _transcribe(host, form, pcm, due, expires, Hearing())
    if form.response_format == "text":
        return web.Response(text=transcript.text + "\n")
    return json_response(_answer(form, transcript))


async def _transcribe(host: Host, form: _Form, pcm: bytes, due: float, expires: float, hearing: Hearing) -> Transcript:
    slot = host.registry.stt
    engine = await slot.get()
    audio = to_float(pcm)

    def call(cancelled: Cancelled) -> Transcript:
        return engine.transcribe(
            audio,
            language=form.language,
            prompt=form.prompt,
            words=form.words,
            cancelled=cancelled,
            hearing=hearing,
        )

    done = await host.workers.run(call, slot.needs, due=due, expires=expires, can_step_back=True)
    host.metrics.computed(slot.model, wait_ms=done.wait_ms, compute_ms=done.compute_ms)
    return msgspec.structs.replace(
        done.value, wait_ms=round(done.wait_ms, 1), compute_ms=round(done.compute_ms, 1), model=slot.model
    )


async def _stream(
    request: web.Request, host: Host, form: _Form, pcm: bytes, due: float, expires: float
) -> web.StreamResponse:
    """Segment by segment as it is heard, then the whole: OpenAI's events."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[Segment | None] = asyncio.Queue()  # bounded by the length of the sound

    def tell(segment: Segment) -> None:
        loop.call_soon_threadsafe(heard.put_nowait, segment)

    hearing = Hearing(tell=tell)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    whole = asyncio.create_task(_transcribe(host, form, pcm, due, expires, hearing), name="transcription")
    whole.add_done_callback(lambda _: heard.put_nowait(None))
    try:
        while (segment := await heard.get()) is not None:
            text = segment.text
            if response.prepared:
                text = hearing.joiner + text
            else:
                await response.prepare(request)
            await response.write(_event({"type": "transcript.text.delta", "delta": text}))
        transcript = await whole
    except EngineError as error:
        if not response.prepared:
            raise
        await response.write(error_event(error))
    else:
        if not response.prepared:
            await response.prepare(request)
        done = {"type": "transcript.text.done", "text": transcript.text, "avatar": transcript}
        await response.write(_event(done))
    finally:
        whole.cancel()
    await response.write_eof()
    return response


def _event(told: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(told) + b"\n\n"


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
    answer["segments"] = [_as_openai(number, segment) for number, segment in enumerate(transcript.segments)]
    if form.words:
        answer["words"] = [{"word": word.text, "start": word.start_s, "end": word.end_s} for word in transcript.words]
    return answer


def _as_openai(number: int, segment: Segment) -> dict[str, Any]:
    """With all fields that OpenAI's type has; what this engine does not do is nothing."""
    raw = segment.text.encode()
    return {
        "id": number,
        "seek": round(segment.start_s * 100),
        "start": segment.start_s,
        "end": segment.end_s,
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": segment.logprob,
        "compression_ratio": len(raw) / max(1, len(zlib.compress(raw))),
        "no_speech_prob": segment.no_speech_probability,
    }


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
        case "stream":
            form.stream = text.lower() == "true"
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
            frames = bytes(file.readframes(file.getnframes()))
            return frames if len(frames) == file.getnframes() * 2 else None  # cut short: the decoder says so
    except (wave.Error, EOFError):
        return None
