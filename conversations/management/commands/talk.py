"""`manage.py talk question.wav`: says a file to the running server and keeps the answer."""

import asyncio
import base64
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from conversations.terminal.arguments import file_to_write
from conversations.terminal.wire import PCM_FORMAT, Wire, WireError, connect
from inference.audio.decode import decode
from inference.audio.wav import encode_wav
from inference.errors import AudioRefused
from inference.types import WIRE_RATE

LONGEST_S = 60.0
ANSWER_WITHIN_S = 120.0
CHUNK = WIRE_RATE  # bytes: half a second of PCM16


class Command(BaseCommand):
    help = "Speaks an audio file (any format) to the running server; prints what was heard and said."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("question", type=Path, help="WAV, MP3, FLAC, Ogg, WebM, M4A ... of at most 60 s")
        parser.add_argument("--out", type=file_to_write, help="where to save the spoken answer (WAV)")
        parser.add_argument("--url", default=f"ws://127.0.0.1:{settings.PORT}/v1", help="default: %(default)s")
        parser.add_argument("--api-key", default="")
        parser.add_argument("--language", default="", help="of the question, such as en or zh-TW (default: detected)")
        parser.add_argument("--voice", default="")
        parser.add_argument("--instructions", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            question = decode(options["question"].read_bytes(), rate=WIRE_RATE)
        except OSError as error:
            raise CommandError(f"{options['question']} cannot be read: {error.strerror}.") from error
        except AudioRefused as error:
            raise CommandError(f"{options['question']}: {error.message}") from error
        if question.duration_s > LONGEST_S:
            raise CommandError(
                f"The file lasts {question.duration_s:.0f} s; at most {LONGEST_S:.0f} s can be said at once."
            )
        try:
            answer = asyncio.run(self._talk(question.pcm, options))
        except (WireError, TimeoutError) as error:
            raise CommandError(str(error) or f"No answer within {ANSWER_WITHIN_S:.0f} s.") from error
        if not answer:
            raise CommandError("No sound came back.")
        if options["out"]:
            options["out"].write_bytes(encode_wav(answer, rate=WIRE_RATE))
            self.stdout.write(f"Saved {len(answer) / 2 / WIRE_RATE:.1f} s of speech to {options['out']}.")

    async def _talk(self, question: bytes, options: dict[str, Any]) -> bytes:
        async with asyncio.timeout(ANSWER_WITHIN_S), connect(options["url"], api_key=options["api_key"]) as wire:
            await wire.send("session.update", session=_session(options))
            for start in range(0, len(question), CHUNK):
                await wire.append(question[start : start + CHUNK])
            await wire.send("input_audio_buffer.commit")
            await wire.send("response.create")
            return await self._answer(wire)

    async def _answer(self, wire: Wire) -> bytes:
        sound, asked = bytearray(), time.perf_counter()
        async for event in wire.events():
            match event["type"]:
                case "error":
                    raise WireError(event["error"]["message"])
                case "conversation.item.input_audio_transcription.completed":
                    self.stdout.write(f"You: {event['transcript'] or '(nothing was heard)'}")
                case "conversation.item.input_audio_transcription.failed":
                    raise WireError(event["error"]["message"])
                case "response.output_audio.delta":
                    if not sound:
                        self.stdout.write(f"(first sound after {time.perf_counter() - asked:.2f} s)")
                    sound += base64.b64decode(event["delta"])
                case "response.output_audio_transcript.done":
                    self.stdout.write(f"AVATAR: {event['transcript']}")
                case "response.done":
                    return bytes(sound)
        raise WireError("The server ended the conversation before it had answered.")


def _session(options: dict[str, Any]) -> dict[str, Any]:
    transcription = {"model": "whisper-1"} | ({"language": options["language"]} if options["language"] else {})
    listen = {"format": PCM_FORMAT, "turn_detection": None, "transcription": transcription}
    speak = {"format": PCM_FORMAT} | ({"voice": options["voice"]} if options["voice"] else {})
    session = {"type": "realtime", "output_modalities": ["audio"], "audio": {"input": listen, "output": speak}}
    return session | ({"instructions": options["instructions"]} if options["instructions"] else {})
