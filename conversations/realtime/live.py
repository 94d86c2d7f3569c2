"""The parts of one live session that its rooms share."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from msgspec.structs import replace

from conversations.events import Fact, Keep, SessionOpened
from conversations.history import HistoryItem
from conversations.realtime.config import Offer
from conversations.realtime.extras import Extras
from conversations.realtime.items import Conversation
from conversations.realtime.limits import Rates
from conversations.realtime.outbox import Outbox
from conversations.realtime.protocol.settings import SessionSettings
from conversations.realtime.speaking import Origin
from conversations.realtime.voices import Voices
from inference.ports import Engines
from inference.types import ServiceLevel


class FactPlace(Protocol):
    """A fact read back from the record."""

    @property
    def sequence(self) -> int: ...
    @property
    def fact(self) -> Fact: ...


class Sound(Protocol):
    """What a session asks of `conversations.spool.Spool`."""

    def add(self, pcm: bytes) -> Coroutine[Any, Any, None]: ...
    async def save(self, rest: bytes = b"") -> str: ...
    async def discard(self) -> None: ...
    @property
    def fed(self) -> int: ...


class Record(Protocol):
    """What a session asks of `conversations.record.ConversationRecord`."""

    @property
    def conversation_id(self) -> str: ...
    @property
    def keep(self) -> Keep: ...
    async def append(self, *facts: Fact, turn_id: str, idempotency_key: str | None = None) -> int: ...
    async def save_audio(self, turn_id: str, pcm: bytes) -> str: ...
    def spool(self, turn_id: str) -> Sound: ...
    async def history(self) -> tuple[HistoryItem, ...]: ...
    async def facts_after(self, sequence: int) -> tuple[FactPlace, ...]: ...
    async def close(self, reason: str) -> None: ...


class OpenRecord(Protocol):
    """`conversations.record.ConversationRecord.open`."""

    def __call__(
        self, *, owner_id: str, session: SessionOpened, conversation_id: str | None = None, keep: Keep | None = None
    ) -> Awaitable[Record]: ...


@dataclass
class Live:
    """One live session. ``tasks`` owns every task that its rooms start."""

    session_id: str
    engines: Engines
    record: Record
    outbox: Outbox
    extras: Extras
    tasks: asyncio.TaskGroup
    settings: SessionSettings
    rates: Rates
    voices: Voices
    origin: Origin | None = None
    """Where the origin of cloned speech is recorded; None: nothing can be cloned."""
    offer: Offer = field(default_factory=Offer)
    conversation: Conversation = field(default_factory=Conversation)
    spoken_answer_s: float = 0.0
    """Where an answer that is spoken ends, at the end of a sentence; 0: where the model ends it."""
    keep: Keep = "sound"
    """What is kept of what is said from now on."""
    language: str = ""
    """BCP-47 tag of what was said last."""
    reads_ahead: bool = False
    """The chat model may be shown the conversation before it is asked (`ReadingAhead`)."""
    muted: bool = False
    """A moderator has silenced the session: nothing is heard of it and it says nothing."""
    service: ServiceLevel = "full"
    """What the machine has memory for."""
    crowded: bool = False
    """Others speak to the same machine: what is only nice to have is left out."""
    touched: Callable[[], None] = lambda: None
    """Told when something happens that is not idleness."""

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Starts a task that ends with the session."""
        return self.tasks.create_task(work, name=f"{name} {self.session_id}")

    @property
    def effective(self) -> SessionSettings:
        """The settings with the names that are really used."""
        resolved = self.offer.resolve(self.settings)
        borrowed = self.voices.own or self.voices.borrowed(self.settings.audio.output.voice)
        if borrowed is None:
            return resolved
        output = replace(resolved.audio.output, voice=borrowed.id)
        return replace(resolved, audio=replace(resolved.audio, output=output))
