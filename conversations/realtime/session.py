"""One live session from its first event to its last: builds the rooms, keeps the time, ends in order."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec
import structlog

from conversations.errors import ConversationNotFound, UnknownOwner
from conversations.events import SessionOpened
from conversations.realtime import extras as ex
from conversations.realtime import refusals
from conversations.realtime.borrowing import Lender
from conversations.realtime.host_watch import HostWatch
from conversations.realtime.ids import new_id
from conversations.realtime.inbox import Inbox
from conversations.realtime.lifetime import Lifetime
from conversations.realtime.limits import Limits, Rates
from conversations.realtime.live import Live, OpenRecord, Record
from conversations.realtime.opening import Wish, tell_conversation
from conversations.realtime.outbox import Outbox
from conversations.realtime.oversight import Outside
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.settings import SessionSettings
from conversations.realtime.refusals import Ending
from conversations.realtime.rooms import Rooms, furnished
from conversations.realtime.seat import Seat
from conversations.realtime.speaking import Origin
from conversations.realtime.voices import Start, Voices
from inference.audio.vad import VadModel
from inference.errors import ServerFull
from inference.ports import Engines
from inference.types import Queued

log = structlog.get_logger(__name__)


class Ended(Exception):
    """Ends the session's task group."""


class Session:
    """``send`` writes a text frame. `run` lives as long as the session; `receive` takes frames; `end` ends it."""

    def __init__(
        self,
        wish: Wish,
        *,
        send: Callable[[str], Awaitable[None]],
        engines: Engines,
        open_record: OpenRecord,
        vad: VadModel,
        limits: Limits,
        default_voice: str = "",
        reads_ahead: bool = False,
        outside: Outside | None = None,
        lender: Lender | None = None,
    ) -> None:
        self.id = new_id("sess")
        self._wish = wish
        self._engines = engines
        self._open_record = open_record
        self._vad = vad
        self._limits = limits
        self._default_voice = default_voice
        self._reads_ahead = reads_ahead
        self._outside = outside
        self._lender = lender
        self._outbox = Outbox(send)
        self._rates = Rates(limits)
        self._over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._inbox = Inbox(self._outbox, self._rates.events, self.end)
        self._lifetime = Lifetime(limits, busy=self._busy, end=self.end)
        self._rooms: Rooms | None = None

    async def run(self) -> Ending:
        """Opens, serves and closes the session; returns why it ended, which has been said to the client."""
        seat = Seat(self._engines)
        writer = asyncio.create_task(self._outbox.run(), name=f"outbox {self.id}")
        writer.add_done_callback(self._written_out)
        try:
            ending = await self._admitted(seat)
        except Exception:
            log.exception("session_crashed", session=self.id)
            ending = refusals.CRASHED
        finally:
            await seat.leave()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.grace_s):
                await self._outbox.drained()
        writer.cancel()
        await asyncio.wait([writer])
        if ending.code:
            await self._outbox.last_words(ev.error_event(ending.code, ending.message, kind=ending.kind))
        return ending

    def receive(self, frame: str | bytes) -> None:
        """One frame from the client; never waits. What is wrong with it is told to the client."""
        self._inbox.receive(frame)

    def end(self, ending: Ending) -> None:
        """Ends the session in order; the first ending counts."""
        if not self._over.done():
            self._over.set_result(ending)

    # Beginning

    async def _admitted(self, seat: Seat) -> Ending:
        try:
            if not await self._seated(seat):
                return self._over.result()
        except ServerFull as error:
            return msgspec.structs.replace(refusals.SERVER_FULL, message=error.message or refusals.SERVER_FULL.message)
        opened = SessionOpened(session_id=self.id, model=self._wish.model)
        try:
            record = await self._open_record(
                owner_id=self._wish.owner_id,
                session=opened,
                conversation_id=self._wish.conversation_id,
                keep=self._wish.keep,
            )
        except ConversationNotFound:
            return refusals.NOT_FOUND
        except UnknownOwner:  # Blocked or erased after they came through the door.
            return refusals.BLOCKED
        self._outbox.record = record
        ending = refusals.CRASHED
        try:
            ending = await self._served(seat, record)
        finally:
            await record.close(ending.reason)
        return ending

    async def _seated(self, seat: Seat) -> bool:
        """Takes a place, or goes on without a host that does not answer; False when the client left the line."""
        queued = self._tell_waiting if self._wish.extras else None
        taking = asyncio.create_task(seat.take(queued=queued), name=f"seat {self.id}")
        try:
            either: tuple[asyncio.Future[Any], ...] = (taking, self._over)
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._over.done():
                return False
            await taking
        finally:
            taking.cancel()
            await asyncio.wait([taking])
        return True

    async def _served(self, seat: Seat, record: Record) -> Ending:
        ending = refusals.CRASHED
        try:
            async with asyncio.TaskGroup() as tasks:
                rooms = self._rooms = self._furnished(record, tasks)
                keeping = tasks.create_task(seat.keep(lambda _: self.end(refusals.SERVER_FULL)), name=f"seat {self.id}")
                tasks.create_task(self._lifetime.run(), name=f"time {self.id}")
                await self._open(rooms)
                ending = await asyncio.shield(self._over)
                # The place is free at once; what is left to do needs no engine.
                keeping.cancel()
                await asyncio.wait([keeping])
                await seat.leave()
                await self._wind_down()
                raise Ended
        except* Ended:
            pass
        await self._origins_settled()
        return ending

    def _furnished(self, record: Record, tasks: asyncio.TaskGroup) -> Rooms:
        settings = SessionSettings(
            id=self.id, model=self._wish.model, expires_at=int(time.time() + self._limits.session_s)
        )

        def start(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
            return tasks.create_task(work, name=f"{name} {self.id}")

        live = Live(
            session_id=self.id,
            engines=self._engines,
            record=record,
            outbox=self._outbox,
            extras=ex.Extras(self._outbox.emit if self._wish.extras else None),
            tasks=tasks,
            settings=settings,
            rates=self._rates,
            voices=Voices(self._lender, self._wish.owner_id, start=start),
            origin=self._origin(record, start),
            keep=record.keep,
            touched=self._lifetime.touch,
            spoken_answer_s=self._limits.spoken_answer_s,
            reads_ahead=self._reads_ahead,
        )
        return furnished(live, self._vad, person_id=self._wish.owner_id, outside=self._outside, end=self.end)

    def _origin(self, record: Record, start: Start) -> Origin | None:
        if self._lender is None:
            return None
        person_id = self._wish.owner_id
        return Origin(self._lender, speaker_id=person_id, conversation_id=record.conversation_id, start=start)

    def _tell_waiting(self, queued: Queued) -> None:
        """A place is waited for; only who has asked for the extras is let wait, and told so."""
        event = ex.Queue(position=queued.position, places=queued.places, expected_s=queued.expected_s)
        self._outbox.emit(event)

    async def _open(self, rooms: Rooms) -> None:
        """``session.created`` does not wait for models: what is not known yet is told when it is."""
        live = rooms.live
        watch = HostWatch(live, self._default_voice)
        await watch.look()
        self._outbox.emit(ev.SessionCreated(session=live.effective))
        await tell_conversation(live, self._wish)
        watch.tell()
        live.start(watch.run(), "host")
        if rooms.oversight is not None:  # Only now: ``session.created`` comes first, whatever has been ordered.
            rooms.oversight.start()
        self._inbox.open(rooms.dispatch)

    def _busy(self) -> bool:
        return self._rooms is not None and self._rooms.answering.busy

    # The end

    def _written_out(self, writer: asyncio.Task[None]) -> None:
        """The writer ends by itself only when something cannot be recorded or sent."""
        if not writer.cancelled() and (error := writer.exception()) is not None:
            log.error("session_not_recorded", session=self.id, exc_info=error)
            self.end(refusals.CRASHED)

    async def _origins_settled(self) -> None:
        """An answer that was begun early ends with the tasks, in the middle of a cloned sentence perhaps."""
        origin = self._rooms.live.origin if self._rooms is not None else None
        if origin is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.grace_s):
                    await origin.settled()

    async def _wind_down(self) -> None:
        """What was said and heard is recorded; then the tasks end."""
        self._inbox.close()
        if self._rooms is None:
            return
        try:
            async with asyncio.timeout(self._limits.grace_s):
                await self._rooms.close()
                await self._outbox.drained()
        except TimeoutError:
            log.warning("session_end_not_recorded", session=self.id)
