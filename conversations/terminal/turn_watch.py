"""Follows one turn through the server's events and says when each thing happened."""

import asyncio
import base64
import time
from typing import Any

import msgspec

from conversations.terminal.microphone import Asked
from inference.types import WIRE_RATE

BARGE_IN = ("held", "last_sound", "cancelled")
"""The server held its sound back, its last piece of sound came, the answer was given up."""
STEPS = ("speech_stopped", "transcript", "first_text", "first_audio", "done")


class TurnResult(msgspec.Struct):
    """Milliseconds from the true end of speech, seconds of sound, and what went wrong."""

    clip: str
    ms: dict[str, float]
    server_ms: dict[str, float]
    """The server's own waterfall (``avatar.waterfall``)."""
    barge_in_ms: dict[str, float]
    """From the true *beginning* of speech over an answer: `BARGE_IN`."""
    transcript: str
    reply: str
    audio_s: float
    underrun_ms: float
    splits: int
    errors: list[str]
    heard_out: float
    """The moment (``time.perf_counter``) when the answer has been played."""


class Response(msgspec.Struct):
    arrivals: list[tuple[float, float]] = []
    text: str = ""
    first_text: float | None = None
    done: float | None = None
    status: str = ""


class TurnWatch:
    """Feed it every event from the question on; `settled` is set once an answer has been completed.

    ``over``: the answers that had begun before the question, which speaks over them.
    """

    def __init__(self, asked: Asked, over: frozenset[str] = frozenset()) -> None:
        self.asked = asked
        self._over = over
        self.settled = asyncio.Event()
        self.sounding = asyncio.Event()
        """Set with the first sound of an answer to the whole question."""
        self._at: dict[str, float] = {}
        self._responses: dict[str, Response] = {}
        self._transcripts: dict[str, str] = {}
        self._server_ms: dict[str, float] = {}
        self._errors: list[str] = []
        self._speaking = False
        self._stops = 0

    def handle(self, event: dict[str, Any]) -> None:
        now, kind = time.perf_counter(), str(event.get("type", ""))
        if kind == "error":
            self._errors.append(str(event["error"].get("message")))
        elif kind == "input_audio_buffer.speech_started":
            self._speaking = True
        elif kind == "input_audio_buffer.speech_stopped":
            self._speaking, self._at["speech_stopped"] = False, now
            self._stops += 1
        elif kind.startswith("conversation.item.input_audio_transcription."):
            self._transcription(kind.rpartition(".")[2], event, now)
        elif kind == "avatar.holding" and self._over and now > self.asked.start:
            self._holding(held=event["held"], now=now)
        elif kind == "avatar.waterfall":
            self._server_ms = {k: v for k, v in event.items() if k.endswith("_ms") and v is not None}
        elif kind.startswith("response."):
            self._response(kind, event, now)
        done = self._answer().done
        # An answer before the end of the question is one to a part of it: the one that counts is still to come.
        if done and done > self.asked.end and self._transcripts and not self._speaking:
            self.settled.set()

    def _holding(self, *, held: bool, now: float) -> None:
        """The hold that counts is the one that lasted: one that was dropped again let the sound go on."""
        if held:
            self._at.setdefault("held", now)
        elif "cancelled" not in self._at:
            self._at.pop("held", None)

    def _transcription(self, step: str, event: dict[str, Any], now: float) -> None:
        if step == "completed":
            self._transcripts[event["item_id"]] = event["transcript"]
            self._at["transcript"] = now
        elif step == "failed":
            self._transcripts[event["item_id"]] = ""
            self._errors.append("transcription failed")

    def _response(self, kind: str, event: dict[str, Any], now: float) -> None:
        response_id = event.get("response_id") or event["response"]["id"]
        if response_id in self._over:
            self._interrupted(kind, event, now)
            return
        response = self._responses.setdefault(response_id, Response())
        if kind == "response.output_audio.delta":
            response.arrivals.append((now, len(base64.b64decode(event["delta"])) / 2 / WIRE_RATE))
            if now > self.asked.end and not self._speaking:
                self.sounding.set()
        elif kind in {"response.output_audio_transcript.delta", "response.output_text.delta"}:
            response.first_text = response.first_text or now
            response.text += event["delta"]
        elif kind == "response.done":
            response.status, response.done = event["response"]["status"], now

    def _interrupted(self, kind: str, event: dict[str, Any], now: float) -> None:
        """An earlier answer is no answer to this question: it only tells how soon it gave way."""
        if kind == "response.output_audio.delta" and now > self.asked.start:
            self._at["last_sound"] = now
        elif kind == "response.done" and event["response"]["status"] == "cancelled":
            self._at.setdefault("cancelled", now)

    @property
    def answers(self) -> frozenset[str]:
        """All answers known by now, for the watch of the question that speaks over them."""
        return self._over | self._responses.keys()

    def _answer(self) -> Response:
        """The answer that counts: the last one not cancelled (a server may begin anew after a pause)."""
        live = [r for r in self._responses.values() if r.status != "cancelled"]
        return live[-1] if live else Response()

    def result(self, *, cut_short: bool = False) -> TurnResult:
        """``cut_short``: the answer is about to be interrupted, so it need not have come to its end."""
        answer, errors = self._answer(), list(self._errors)
        moments = {
            **self._at,
            "first_text": answer.first_text,
            "first_audio": answer.arrivals[0][0] if answer.arrivals else None,
            "done": answer.done,
        }
        ms = {step: round((at - self.asked.end) * 1000, 1) for step in STEPS if (at := moments.get(step))}
        if not answer.arrivals:
            errors.append("no sound came")
        elif ms["first_audio"] < 0:
            errors.append("answered before the end of speech")
        if not cut_short and answer.status not in {"completed", "incomplete"}:
            errors.append(f"the answer ended as {answer.status or 'never'}")
        played_until, dry_s = _playback(answer.arrivals)
        return TurnResult(
            clip=self.asked.clip.name,
            ms=ms,
            server_ms=self._server_ms,
            barge_in_ms={
                step: round((at - self.asked.start) * 1000, 1)
                for step in BARGE_IN
                if (at := self._at.get(step)) is not None
            },
            transcript=" ".join(self._transcripts.values()).strip(),
            reply=answer.text,
            audio_s=round(sum(length for _, length in answer.arrivals), 3),
            underrun_ms=round(dry_s * 1000, 1),
            splits=max(0, self._stops - 1),
            errors=errors,
            heard_out=played_until,
        )


def _playback(arrivals: list[tuple[float, float]]) -> tuple[float, float]:
    """(when a player that starts at the first piece has played all, seconds during which it had nothing to play)."""
    clock, dry_s = 0.0, 0.0
    for at, length in arrivals:
        if clock and at > clock + 0.001:
            dry_s += at - clock
        clock = max(clock, at) + length
    return clock or time.perf_counter(), dry_s
