"""The one way out: events leave in order, and an event with a fact leaves only once the fact is durable.

Whoever says something only enqueues it and goes on; the writer appends the facts of everything that waits in one
commit, then sends. So the record costs the road to the first sound one commit, however many facts lie on it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from conversations.events import Fact
from conversations.realtime.protocol.server_events import ServerEvent

Facts = Sequence[Fact]
COLLECT_S = 0.001


class Appender(Protocol):
    async def append(self, *facts: Fact, turn_id: str, idempotency_key: str | None = None) -> int: ...


class Overflow(Exception):
    """The client does not take what it is sent."""


class Entry(msgspec.Struct):
    events: tuple[ServerEvent, ...]
    facts: Facts
    turn_id: str
    after: Awaitable[Facts] | None
    """Facts that are known only later (sound that is still being stored); everything behind waits with it."""
    sent: Callable[[], None] | None
    """Called when the events have been handed to the socket."""


class Outbox:
    """``send`` writes one text frame. `run` is the writer; it ends only by cancellation or an error."""

    def __init__(self, send: Callable[[str], Awaitable[None]], *, limit: int = 4096) -> None:
        self._send = send
        self._limit = limit
        self._entries: deque[Entry] = deque()
        self._more = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._closed = False
        self._encoder = msgspec.json.Encoder()
        self.record: Appender | None = None
        """Set once the conversation is open; facts need it."""
        self.recorded: list[Callable[[int], None]] = []
        """Told the last sequence after each commit."""

    def emit(
        self,
        *events: ServerEvent,
        facts: Facts = (),
        turn_id: str = "",
        after: Awaitable[Facts] | None = None,
        sent: Callable[[], None] | None = None,
    ) -> None:
        """Enqueues; raises `Overflow` when the client has stopped reading."""
        if self._closed:
            return
        if len(self._entries) >= self._limit:
            raise Overflow
        self._entries.append(Entry(events, facts, turn_id, after, sent))
        self._empty.clear()
        self._more.set()

    async def run(self) -> None:
        """Ends when cancelled, or raises what went wrong; nothing leaves any more then."""
        try:
            while True:
                await self._more.wait()
                self._more.clear()
                while self._entries:
                    await self._collect()
                    await self._write_batch()
                self._empty.set()
        finally:
            self._closed = True
            self._entries.clear()
            self._empty.set()

    async def last_words(self, event: ServerEvent) -> None:
        """Sent past everything else, when the writer has ended."""
        await self._send(self._encoder.encode(event).decode())

    async def drained(self) -> None:
        """Waits until all that has been said is on its way."""
        await self._empty.wait()

    async def _collect(self) -> None:
        """Facts that follow each other within a moment (a turn's end, its words, its answer) share one commit."""
        if any(entry.facts or entry.after is not None for entry in self._entries):
            await asyncio.sleep(COLLECT_S)

    async def _write_batch(self) -> None:
        head = self._entries[0]
        if head.after is not None:
            head.facts = (*head.facts, *await head.after)
            head.after = None
        batch = self._ready_together()
        facts = [fact for entry in batch for fact in entry.facts]
        if facts:
            assert self.record is not None
            turn_id = next(entry.turn_id for entry in batch if entry.facts)
            sequence = await self.record.append(*facts, turn_id=turn_id)
            for told in self.recorded:
                told(sequence)
        for entry in batch:
            for event in entry.events:
                await self._send(self._encoder.encode(event).decode())
            if entry.sent is not None:
                entry.sent()

    def _ready_together(self) -> list[Entry]:
        """Takes the longest run of entries whose facts are known and belong to one turn."""
        batch = [self._entries.popleft()]
        turn_id = batch[0].turn_id if batch[0].facts else None
        while self._entries:
            entry = self._entries[0]
            if entry.after is not None:
                break
            if entry.facts:
                if turn_id is not None and entry.turn_id != turn_id:
                    break
                turn_id = entry.turn_id
            batch.append(self._entries.popleft())
        return batch
