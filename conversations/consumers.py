"""The socket, nothing else: frames in, frames out, and the life of a session beside them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec
import structlog
from django.conf import settings

from conversations.engines import engines
from conversations.events import Keep
from conversations.realtime import refusals
from conversations.realtime.borrowing import Lender
from conversations.realtime.limits import Limits
from conversations.realtime.live import OpenRecord
from conversations.realtime.opening import Wish
from conversations.realtime.oversight import Outside
from conversations.realtime.protocol.server_events import error_event
from conversations.realtime.refusals import Ending
from conversations.realtime.session import Session
from conversations.record import ConversationRecord
from inference.audio import vad
from inference.ports import Engines

log = structlog.get_logger(__name__)
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
StillAdmitted = Callable[[], Awaitable[bool]]
SUBPROTOCOL = "realtime"
ASK_AGAIN_S = 15.0
"""How often the doors are asked whether somebody may still be here: keys are revoked, people sign out."""
LAST_WORDS_S = 6.0
"""A stopping server waits so long for a session to end in order; Daphne's own patience is 10 s."""


class RealtimeConsumer:
    """An ASGI application for one socket; ``scope["user"]`` is who has come through the doors.

    It is no `channels.AsyncConsumer`: that one sends every frame through Channels' one shared thread (to close old
    database connections), where all sockets wait for the slowest. The database is reached on the record's threads.
    """

    def __init__(
        self,
        *,
        engines: Callable[[], Engines] = engines,
        open_record: OpenRecord = ConversationRecord.open,
        limits: Limits | None = None,
        outside: Outside | None = None,
        lender: Lender | None = None,
    ) -> None:
        self._engines = engines
        self._open_record = open_record
        self._limits = limits or Limits.from_environment()
        self._outside = outside
        self._lender = lender

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await _accept(scope, receive, send)
        wish = _wish(scope)
        if wish is None:
            await _refuse(send, refusals.BLOCKED if scope.get("blocked") else refusals.UNAUTHORIZED)
            return
        try:
            wish = msgspec.structs.replace(wish, keep=_keep(scope))
        except msgspec.ValidationError:
            # Never guessed: who asks for a private conversation and errs in the word must not be recorded.
            await _refuse(send, refusals.UNKNOWN_KEEP)
            return
        await self._serve(wish, scope.get("still_admitted"), receive, send)

    async def _serve(self, wish: Wish, still_admitted: StillAdmitted | None, receive: Receive, send: Send) -> None:
        async def write(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        session = Session(
            wish,
            send=write,
            engines=self._engines(),
            open_record=self._open_record,
            vad=vad.load(),
            limits=self._limits,
            default_voice=settings.INFERENCE.tts_voice,
            # Not from a server elsewhere, which may count every token that it is shown.
            reads_ahead=not settings.INFERENCE.chat_url,
            outside=self._outside,
            lender=self._lender,
        )
        # A task of its own: when the server stops, Daphne cancels this application, not the session's last words.
        running = asyncio.create_task(session.run(), name=f"session {session.id}")
        reading = asyncio.create_task(_read(receive, session), name=f"reading {session.id}")
        asking = asyncio.create_task(_ask_again(still_admitted, session), name=f"admission {session.id}")
        running.add_done_callback(lambda _: reading.cancel())
        try:
            ending = await asyncio.shield(running)
        except asyncio.CancelledError:
            session.end(refusals.DRAINING)
            await asyncio.wait([running], timeout=LAST_WORDS_S)
            await send({"type": "websocket.close", "code": refusals.DRAINING.close_code})
            raise
        finally:
            for task in (reading, asking, running):
                task.cancel()
            await asyncio.wait([reading, asking, running])
        log.info("session_ended", session=session.id, reason=ending.reason)
        if ending is not refusals.DISCONNECTED:
            await send({"type": "websocket.close", "code": ending.close_code})


async def nowhere(scope: Message, receive: Receive, send: Send) -> None:
    """An ASGI application for every other address of a socket: a client reads why, as with any refusal."""
    await _accept(scope, receive, send)
    await _refuse(send, refusals.NO_SOCKET)


async def _accept(scope: Message, receive: Receive, send: Send) -> None:
    await receive()  # websocket.connect
    offered = scope.get("subprotocols") or ()
    await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None})


async def _read(receive: Receive, session: Session) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            session.end(refusals.DISCONNECTED)
            return
        session.receive(message.get("text") or message.get("bytes") or b"")
        # The queue of a client that floods is never empty: the others' turns come in between.
        await asyncio.sleep(0)


async def _ask_again(still_admitted: StillAdmitted | None, session: Session) -> None:
    """Ends the session of somebody who may not be here any more. Doors that cannot be asked are asked again."""
    while still_admitted is not None:
        await asyncio.sleep(ASK_AGAIN_S)
        try:
            admitted = await still_admitted()
        except Exception as error:  # noqa: BLE001 - a database that is away ends no conversation
            log.warning("admission_not_asked", session=session.id, error=type(error).__name__)
            continue
        if not admitted:
            session.end(refusals.UNAUTHORIZED)
            return


async def _refuse(send: Send, ending: Ending) -> None:
    event = error_event(ending.code, ending.message, kind=ending.kind)
    await send({"type": "websocket.send", "text": msgspec.json.encode(event).decode()})
    await send({"type": "websocket.close", "code": ending.close_code})


def _wish(scope: Message) -> Wish | None:
    """What the client asks for in its address; None when nobody has come in."""
    user = scope.get("user")
    if user is None:
        return None
    query = _query(scope)

    def first(name: str) -> str:
        return query.get(name, [""])[0][:200]

    after = first("after")
    return Wish(
        owner_id=str(user.pk),
        model=first("model"),
        conversation_id=first("conversation") or None,
        after=int(after) if after.isdecimal() and len(after) < 18 else 0,
        extras="avatar" in first("extras").split(","),
    )


def _keep(scope: Message) -> Keep | None:
    """What the client wants to be kept, None when it does not say. Raises `msgspec.ValidationError`."""
    wanted = _query(scope).get("keep")
    return msgspec.convert(wanted[0], Keep) if wanted else None


def _query(scope: Message) -> dict[str, list[str]]:
    return parse_qs(str(scope.get("query_string", b""), "latin-1"), keep_blank_values=True)
