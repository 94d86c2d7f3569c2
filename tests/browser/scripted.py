"""A server at the other end of the page's socket that says what a test wants: for timing and faults only."""

import asyncio
import base64
import json
import math
import struct
from collections.abc import Callable
from typing import Any

from playwright.async_api import Page, WebSocketRoute

READY: dict[str, Any] = {
    "host": {
        "ready": True,
        "engines": [
            {"kind": "stt", "model": "whisper-base", "state": "ready", "languages": ["en", "zh"]},
            {"kind": "chat", "model": "smollm2-135m-instruct", "state": "ready", "languages": ["en"]},
            {"kind": "tts", "model": "hibari", "state": "ready", "languages": ["en"]},
        ],
        "voices": [{"id": "heart", "name": "Heart", "engine": "hibari", "languages": ["en"]}],
    },
    "small_chat_model": True,
    "offers": [
        {"kind": "tts", "model": "kokoro", "languages": ["en", "zh"]},
        {"kind": "chat", "model": "qwen2.5-1.5b-instruct", "languages": ["en", "zh"]},
    ],
}
SENTENCES = ("It was Neil Armstrong.", " He stepped onto the moon in July, 1969.", " Buzz Aldrin followed him.")
SENTENCE_MS = 1500


class ScriptedServer:
    """Greets every connection with a session; ``on_connect`` does something else instead."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.addresses: list[str] = []
        self.on_connect: Callable[[], None] = self.greet
        self._socket: WebSocketRoute | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def serve(self, page: Page, status: dict[str, Any] | None = None) -> None:
        answer = READY if status is None else status
        await page.route("**/chat/status", lambda route: route.fulfill(json=answer))
        await page.route_web_socket("**/ws/chat*", self._connected)

    def _connected(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        self.addresses.append(socket.url)
        socket.on_message(lambda text: self.received.append(json.loads(text)))
        self.on_connect()

    def greet(self) -> None:
        self.say("session.created", session={})
        self.say("avatar.conversation", conversation_id="c-1", sequence=7, resumed=False)

    def say(self, kind: str, **fields: Any) -> None:
        assert self._socket is not None
        self._socket.send(json.dumps({"type": kind, "event_id": "event", **fields}))

    def refuse(self, code: str, close_code: int) -> None:
        """An ``error`` and a close, as the server ends a session."""
        assert self._socket is not None
        if code:
            self.say("error", error={"type": "server_error", "code": code, "message": f"The server says {code}."})
        closing = asyncio.ensure_future(self._socket.close(code=close_code))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def hears(self, item: str = "u-1", text: str = "Who was the first person") -> None:
        self.say("input_audio_buffer.speech_started", item_id=item, audio_start_ms=0)
        if text:
            self.say("conversation.item.input_audio_transcription.delta", item_id=item, content_index=0, delta=text)

    def understands(self, item: str = "u-1", text: str = "Who was the first person on the moon?") -> None:
        self.say("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=400)
        self.say(
            "conversation.item.input_audio_transcription.completed", item_id=item, content_index=0, transcript=text
        )

    def answers(self, item: str = "a-1", response: str = "r-1") -> None:
        """Three sentences of 1.5 s each, all at once."""
        where = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        self.say("response.created", response={"id": response})
        message = {"id": item, "type": "message", "role": "assistant"}
        self.say("response.output_item.added", response_id=response, output_index=0, item=message)
        for text in SENTENCES:
            self.say("response.output_audio_transcript.delta", **where, delta=text)
            self.say("response.output_audio.delta", **where, delta=tone(SENTENCE_MS))
        self.say("response.output_audio.done", **where)
        self.say("response.output_audio_transcript.done", **where, transcript="".join(SENTENCES))
        self.say("response.done", response={"id": response, "status": "completed", "output": [message]})

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """What the page has sent of that type."""
        return [event for event in self.received if event["type"] == kind]

    async def until_sent(self, kind: str, times: int = 1, within_s: float = 5.0) -> dict[str, Any]:
        """The last event of that type, once as many have come; what a page sends takes a moment."""
        async with asyncio.timeout(within_s):
            while len(self.sent(kind)) < times:  # noqa: ASYNC110 - the events come from a browser
                await asyncio.sleep(0.02)
        return self.sent(kind)[-1]


def tone(ms: int) -> str:
    """Base64 PCM16 24 kHz, 440 Hz."""
    samples = (int(6000 * math.sin(2 * math.pi * 440 * i / 24_000)) for i in range(24 * ms))
    return base64.b64encode(b"".join(struct.pack("<h", sample) for sample in samples)).decode()
