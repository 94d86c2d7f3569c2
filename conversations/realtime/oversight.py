"""A live session seen from outside: it obeys moderators, says that it lives, and tells watchers when to look."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Literal, Protocol

import msgspec
import structlog

from conversations.events import Keep
from conversations.realtime import extras as ex
from conversations.realtime import refusals
from conversations.realtime.answering import Answering
from conversations.realtime.hearing import Hearing
from conversations.realtime.live import Live
from conversations.realtime.own_voice import OwnVoice
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.errors import muted
from conversations.realtime.refusals import Ending

log = structlog.get_logger(__name__)
POKE_EVERY_S = 0.1
"""Facts that follow each other closer are told of together."""
AGAIN_S = 2.0


class Order(Protocol):
    """What `conversations.oversight.orders` brings."""

    @property
    def kind(self) -> Literal["mute", "unmute", "end", "forget", "keep"]: ...
    @property
    def reason(self) -> str: ...
    @property
    def turn_id(self) -> str: ...


class Outside(Protocol):
    """What a session has to do with the world beside its client; `conversations.oversight.outside` is the real one."""

    def orders(self, conversation_id: str, session_id: str) -> AsyncGenerator[Order, None]: ...
    async def attend(self, session_id: str) -> None: ...
    async def poke(self, conversation_id: str, sequence: int) -> None: ...


_ENDINGS = {"lost": refusals.LOST, "erased": refusals.ERASED, "blocked": refusals.BLOCKED}


class Oversight:
    """`start` begins its tasks in the session's group."""

    def __init__(
        self,
        live: Live,
        outside: Outside,
        hearing: Hearing,
        answering: Answering,
        own_voice: OwnVoice,
        end: Callable[[Ending], None],
    ) -> None:
        self._live = live
        self._outside = outside
        self._hearing = hearing
        self._answering = answering
        self._own_voice = own_voice
        self._end = end
        self._sequence = 0
        self._recorded = asyncio.Event()

    def start(self) -> None:
        self._live.outbox.recorded.append(self._note)
        self._live.start(self._obey(), "orders")
        self._live.start(self._outside.attend(self._live.session_id), "presence")
        self._live.start(self._tell(), "pokes")

    def _note(self, sequence: int) -> None:
        """The conversation's log has come to ``sequence``."""
        self._sequence = sequence
        self._recorded.set()

    async def _obey(self) -> None:
        """A log that cannot be read is tried again: the session goes on meanwhile."""
        while True:
            try:
                orders = self._outside.orders(self._live.record.conversation_id, self._live.session_id)
                async with aclosing(orders) as given:
                    async for order in given:
                        self._carry_out(order)
                return
            except Exception as error:  # noqa: BLE001 - moderation must not end a conversation by failing
                log.warning("orders_not_read", session=self._live.session_id, error=type(error).__name__)
            await asyncio.sleep(AGAIN_S)

    def _carry_out(self, order: Order) -> None:
        log.info("ordered", session=self._live.session_id, order=order.kind, reason=order.reason)
        match order.kind:
            case "end":
                ending = _ENDINGS.get(order.reason) or msgspec.structs.replace(
                    refusals.CUT, reason=f"cut: {order.reason}"
                )
                self._end(ending)
            case "mute" if not self._live.muted:
                self._live.muted = True
                self._hearing.clear()
                self._answering.silence()
                self._tell_client(order)
            case "unmute" if self._live.muted:
                self._live.muted = False
                self._tell_client(order)
            case "forget":
                self._forget(order.turn_id)
            case "keep":
                self._live.keep = keep = msgspec.convert(order.reason, Keep)
                self._live.extras.tell(lambda: ex.KeepUpdated(keep=keep))
            case _:
                pass

    def _forget(self, turn_id: str) -> None:
        """A turn was redacted: the model is not shown it any more, and the client takes it away."""
        if self._answering.active is not None and self._answering.active.turn.id == turn_id:
            self._answering.silence()
        for entry in [entry for entry in self._live.conversation if entry.turn_id == turn_id]:
            self._live.conversation.remove(entry.id)
            self._live.outbox.emit(ev.ItemDeletedEvent(item_id=entry.id))
        self._hearing.context_changed()
        self._own_voice.forget(turn_id)

    def _tell_client(self, order: Order) -> None:
        if self._live.muted:
            error = muted()
            self._live.outbox.emit(ev.error_event(error.code, error.message))
        self._live.extras.tell(lambda: ex.Moderated(muted=self._live.muted, reason=order.reason))

    async def _tell(self) -> None:
        while True:
            await self._recorded.wait()
            self._recorded.clear()
            await self._outside.poke(self._live.record.conversation_id, self._sequence)
            await asyncio.sleep(POKE_EVERY_S)
