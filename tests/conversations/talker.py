"""A client of one session without a network: every server event it sees is checked against OpenAI's own types."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from conversations.errors import ConversationNotFound
from conversations.events import Fact, Keep, SessionClosed, SessionOpened
from conversations.history import History, HistoryItem
from conversations.realtime import refusals
from conversations.realtime.borrowing import Lender
from conversations.realtime.limits import Limits
from conversations.realtime.opening import Wish
from conversations.realtime.session import Session
from conversations.record import RecordedFact
from inference.types import WIRE_RATE
from tests.fake_engines import FakeEngines

SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
Event = dict[str, Any]


class MemorySpool:
    """The sound of one utterance."""

    def __init__(self, record: "MemoryRecord", turn_id: str) -> None:
        self._record = record
        self._turn_id = turn_id
        self._pcm = b""

    @property
    def fed(self) -> int:
        return len(self._pcm)

    def add(self, pcm: bytes) -> Coroutine[Any, Any, None]:
        self._pcm += pcm
        return asyncio.sleep(0)

    async def save(self, rest: bytes = b"") -> str:
        self._pcm += rest
        self.saved = True
        return await self._record.save_audio(self._turn_id, self._pcm)

    async def discard(self) -> None:
        self.saved = False


class MemoryRecord:
    """A record that forgets; `durable` can be held back."""

    def __init__(self, conversation_id: str = "conv_1") -> None:
        self.conversation_id = conversation_id
        self.keep: Keep = "sound"
        self.facts: list[tuple[str, Fact]] = []
        self.sounds: dict[str, bytes] = {}
        self.durable = asyncio.Event()
        self.durable.set()
        self.error: Exception | None = None
        self._history = History()

    async def append(self, *facts: Fact, turn_id: str, idempotency_key: str | None = None) -> int:
        await self.durable.wait()
        if self.error is not None:
            raise self.error
        for fact in facts:
            self.facts.append((turn_id, fact))
            self._history.apply(fact, turn_id)
        return len(self.facts)

    async def save_audio(self, turn_id: str, pcm: bytes) -> str:
        await self.durable.wait()
        if self.keep != "sound":
            return ""
        audio_id = f"audio_{len(self.sounds)}"
        self.sounds[audio_id] = pcm
        return audio_id

    def spool(self, turn_id: str) -> "MemorySpool":
        return MemorySpool(self, turn_id)

    async def history(self) -> tuple[HistoryItem, ...]:
        return self._history.items()

    async def facts_after(self, sequence: int) -> tuple[RecordedFact, ...]:
        import datetime

        now = datetime.datetime.now(datetime.UTC)
        return tuple(
            RecordedFact(number, turn_id, now, fact)
            for number, (turn_id, fact) in enumerate(self.facts, start=1)
            if number > sequence
        )

    async def close(self, reason: str) -> None:
        self.facts.append(("", SessionClosed(session_id="", reason=reason)))

    def of(self, kind: type[Fact]) -> list[Any]:
        return [fact for _, fact in self.facts if isinstance(fact, kind)]


class LoudnessVad:
    """Speech is what is loud: turn-taking tests need no model and no voice."""

    def stream(self) -> "LoudnessVad":
        return self

    def probability(self, frame: Any) -> float:
        return 0.95 if float(np.sqrt(np.mean(frame**2))) > 0.02 else 0.02


class Talker:
    """Speaks to a session and remembers what it says."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self.session: Session
        self.record: MemoryRecord
        self.engines: FakeEngines
        self._arrived = asyncio.Event()
        self._read = 0

    async def take(self, text: str) -> None:
        event = json.loads(text)
        if not event["type"].startswith("avatar."):
            SERVER_EVENT.validate_json(text)
        self.seen.append(event)
        self._arrived.set()

    def say(self, kind: str, **fields: Any) -> None:
        self.session.receive(json.dumps({"type": kind, **fields}))

    def configure(self, **session: Any) -> None:
        self.say("session.update", session={"type": "realtime", **session})

    def write(self, text: str, **fields: Any) -> None:
        content = [{"type": "input_text", "text": text}]
        self.say("conversation.item.create", item={"type": "message", "role": "user", "content": content}, **fields)

    def hear(self, pcm: bytes) -> None:
        self.say("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    async def until(self, kind: str, within_s: float = 5.0) -> Event:
        """The next event of that kind that was not waited for yet."""
        async with asyncio.timeout(within_s):
            while True:
                while self._read < len(self.seen):
                    event = self.seen[self._read]
                    self._read += 1
                    if event["type"] == kind:
                        return event
                self._arrived.clear()
                await self._arrived.wait()

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.seen if not event["type"].startswith("avatar.")]

    def last(self, kind: str) -> Event:
        return next(event for event in reversed(self.seen) if event["type"] == kind)

    def errors(self) -> list[Event]:
        return [event["error"] for event in self.seen if event["type"] == "error"]


@asynccontextmanager
async def talking(
    engines: FakeEngines | None = None,
    *,
    record: MemoryRecord | None = None,
    limits: Limits | None = None,
    wish: Wish | None = None,
    reads_ahead: bool = False,
    lender: Lender | None = None,
) -> AsyncIterator[Talker]:
    """A session that has said ``session.created``; it ends with the block."""
    talker = Talker()
    talker.engines = engines or FakeEngines()
    talker.record = record or MemoryRecord()

    async def open_record(
        *, owner_id: str, session: SessionOpened, conversation_id: str | None = None, keep: Keep | None = None
    ) -> MemoryRecord:
        if conversation_id not in {None, talker.record.conversation_id}:
            raise ConversationNotFound
        talker.record.keep = keep or talker.record.keep
        await talker.record.append(session, turn_id="")
        return talker.record

    talker.session = Session(
        wish or Wish(owner_id="somebody", extras=True),
        send=talker.take,
        engines=talker.engines,
        open_record=open_record,
        vad=LoudnessVad(),
        limits=limits or Limits(),
        reads_ahead=reads_ahead,
        lender=lender,
    )
    running = asyncio.create_task(talker.session.run())
    try:
        await talker.until("session.created")
        yield talker
    finally:
        talker.session.end(refusals.DISCONNECTED)
        async with asyncio.timeout(10):
            await running


def loud(duration_s: float) -> bytes:
    """PCM16 at WIRE_RATE that `LoudnessVad` takes for speech: hisses and murmurs in turn, as syllables are."""
    count = int(duration_s * WIRE_RATE)
    hiss = np.random.default_rng(7).normal(0, 1, count)
    murmur = np.convolve(hiss, np.ones(24) / 5, "same")
    syllable = (np.arange(count) // (WIRE_RATE // 12)) % 2
    return (3000 * np.where(syllable, hiss, murmur)).clip(-32000, 32000).astype("<i2").tobytes()


def quiet(duration_s: float) -> bytes:
    return bytes(2 * int(duration_s * WIRE_RATE))
