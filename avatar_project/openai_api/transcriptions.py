"""POST /v1/audio/transcriptions: a recording of any format, in words."""

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal, get_args

import msgspec
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError

from avatar_project.openai_api.callers import AUDIO
from avatar_project.openai_api.chat import relay
from avatar_project.openai_api.errors import ApiError, invalid, of_engine
from avatar_project.openai_api.handler import Request
from avatar_project.openai_api.segments import Line, lines_of, srt, vtt
from avatar_project.openai_api.views import SSE, Answer, event, json_answer, view
from inference.errors import EngineError
from inference.types import Transcript

Format = Literal["json", "text", "srt", "verbose_json", "vtt"]
DUE_IN_S = 5.0
"""Conversations come first: a program's file steps back for them, and goes on where it was."""
MOST_BYTES = 25 * 1024 * 1024
_LEAST_BYTES = 44
"""A WAV's header and nothing else."""
_MOST_PROMPT = 4096
_FORMATS: dict[str, Format] = {name: name for name in get_args(Format)}
_TEXTS = {"srt": srt, "vtt": vtt}


class Asked(msgspec.Struct, frozen=True):
    """``granularities``: which times verbose JSON has, of words, of segments."""

    file: bytes
    response_format: Format
    language: str | None
    prompt: str | None
    granularities: frozenset[str]
    stream: bool


class _InMemory(MemoryFileUploadHandler):
    """No file with a name is made of what somebody said; the door has bounded how much it is."""

    def handle_raw_input(self, *args: Any, **named: Any) -> None:
        self.activated = True


@view("POST", AUDIO)
async def transcriptions(request: Request) -> Answer:
    asked = await asyncio.to_thread(_read, request)
    if asked.stream:
        pieces = relay().transcribe_as_heard(
            asked.file, language=asked.language, prompt=asked.prompt, due_in_s=DUE_IN_S
        )
        first = await anext(pieces)  # what is refused is refused with a status
        return StreamingHttpResponse(_events(first, pieces), headers=SSE)
    timed = asked.response_format in {"srt", "vtt", "verbose_json"}
    heard = await relay().transcribe(
        asked.file, language=asked.language, prompt=asked.prompt, words=timed, due_in_s=DUE_IN_S
    )
    if asked.response_format == "text":
        return HttpResponse(heard.text + "\n", content_type="text/plain; charset=utf-8")
    if written := _TEXTS.get(asked.response_format):
        kind = "text/vtt" if asked.response_format == "vtt" else "application/x-subrip"
        return HttpResponse(written(heard), content_type=f"{kind}; charset=utf-8")
    return json_answer(_verbose(asked, heard) if timed else {"text": heard.text, "usage": _usage(heard)})


async def _events(first: str | Transcript, pieces: AsyncGenerator[str | Transcript]) -> AsyncGenerator[bytes]:
    async with aclosing(pieces):
        yield _event(first)
        try:
            async for piece in pieces:
                yield _event(piece)
        except EngineError as error:
            yield of_engine(error).event()


def _event(piece: str | Transcript) -> bytes:
    if isinstance(piece, str):
        return event({"type": "transcript.text.delta", "delta": piece})
    return event({"type": "transcript.text.done", "text": piece.text})


def _verbose(asked: Asked, heard: Transcript) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "task": "transcribe",
        "language": heard.language,
        "duration": round(heard.duration_s, 3),
        "text": heard.text,
        "usage": _usage(heard),
    }
    if "word" in asked.granularities:
        answer["words"] = [
            {"word": word.text, "start": round(word.start_s, 3), "end": round(word.end_s, 3)} for word in heard.words
        ]
    if "segment" in asked.granularities or not asked.granularities:
        answer["segments"] = [_segment(number, line) for number, line in enumerate(lines_of(heard))]
    return answer


def _segment(number: int, line: Line) -> dict[str, Any]:
    """All the fields of OpenAI's type; tokens are kept by no engine here."""
    raw = line.text.encode()
    return {
        "id": number,
        "seek": round(line.segment.start_s * 100),
        "start": round(line.start_s, 3),
        "end": round(line.end_s, 3),
        "text": line.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(line.segment.logprob, 4),
        "compression_ratio": round(len(raw) / max(1, len(zlib.compress(raw))), 3),
        "no_speech_prob": round(line.segment.no_speech_probability, 4),
    }


def _usage(heard: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": round(heard.duration_s, 3)}


def _read(request: Request) -> Asked:
    """The form. Blocking: a large one takes some 50 ms."""
    if not (request.content_type or "").startswith("multipart/"):
        raise invalid("Send the recording as multipart/form-data with a part named `file`.", "file")
    request.upload_handlers = [_InMemory(request)]
    try:
        form, file = request.POST, request.FILES.get("file")
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise invalid(f"The form is damaged, or has too many parts ({type(error).__name__}).") from None
    if not isinstance(file, UploadedFile) or not file.size:
        raise invalid("The part named `file` is missing or empty.", "file")
    if file.size <= _LEAST_BYTES:
        raise invalid("The part named `file` holds no sound.", "file")
    if file.size > MOST_BYTES:
        raise ApiError(413, "too_large", "The file is larger than 25 MB.", param="file")
    kind = _FORMATS.get(form.get("response_format", "json"))
    if kind is None:
        raise invalid(f"`response_format` must be one of {', '.join(_FORMATS)}.", "response_format")
    prompt, language = form.get("prompt", ""), form.get("language", "")
    if len(prompt) > _MOST_PROMPT:
        raise invalid(f"`prompt` must be at most {_MOST_PROMPT} characters.", "prompt")
    granularities = form.getlist("timestamp_granularities[]") + form.getlist("timestamp_granularities")
    if not set(granularities) <= {"word", "segment"}:
        raise invalid("`timestamp_granularities` are `word` and `segment`.", "timestamp_granularities")
    return Asked(
        file=file.read(),
        response_format=kind,
        language=language[:35] or None,
        prompt=prompt or None,
        granularities=frozenset(granularities),
        stream=form.get("stream", "").lower() == "true",
    )
