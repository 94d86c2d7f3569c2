"""People for tests of moderation, and a live session over a real log."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from conversations.consumers import RealtimeConsumer
from conversations.events import Fact
from conversations.lending import Profiles
from conversations.log.eventlog import event_log
from conversations.log.models import Event
from conversations.oversight.outside import LogAndLayer
from conversations.realtime.limits import Limits
from conversations.record import ConversationRecord
from conversations.streams import stream_of
from tests.conversations.sockets import Socket
from tests.fake_engines import FakeEngines

T = TypeVar("T")


def person(name: str = "ana", **fields: Any) -> Any:
    return get_user_model().objects.create_user(username=name, password="a long enough password", **fields)


def moderator(*permissions: str, name: str = "mod", **fields: Any) -> Any:
    """Somebody of the staff who holds these permissions, named ``app.codename`` or ``codename``."""
    who = person(name, is_staff=True, **fields)
    for permission in permissions:
        app, _, code = permission.rpartition(".")
        who.user_permissions.add(Permission.objects.get(content_type__app_label=app or "conversations", codename=code))
    return get_user_model().objects.get(pk=who.pk)


async def in_thread(work: Callable[[], T]) -> T:
    """Runs plain code as a view would: on a thread with a database connection, beside the loop."""
    return await event_log().read(work)


class LiveSocket(Socket):
    """A client of a real session: everything real but the engines."""

    seen: list[dict[str, Any]]
    session_id = ""
    conversation_id = ""

    async def begin(self) -> None:
        self.seen = []
        await self.open()
        self.session_id = (await self.until("session.created"))["session"]["id"]
        self.conversation_id = (await self.until("avatar.conversation"))["conversation_id"]

    async def say(self, kind: str, **fields: Any) -> None:
        await self.send_input({"type": "websocket.receive", "text": json.dumps({"type": kind, **fields})})

    async def write(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        await self.say("conversation.item.create", item={"type": "message", "role": "user", "content": content})

    async def until(self, kind: str, within_s: float = 5.0) -> dict[str, Any]:
        async with asyncio.timeout(within_s):
            while True:
                message = await self.receive_output(within_s)
                assert message["type"] == "websocket.send", message
                event: dict[str, Any] = json.loads(message["text"])
                self.seen.append(event)
                if event["type"] == kind:
                    return event

    def facts(self, type_: type[Fact]) -> list[dict[str, Any]]:
        """Payloads in clear of the facts of that type, in order. Blocking."""
        rows = Event.objects.filter(stream=stream_of(self.conversation_id), type=type_.type).order_by("sequence")
        return [json.loads(row.payload) | {"actor": json.loads(row.metadata).get("actor", "")} for row in rows]


@asynccontextmanager
async def live_session(
    owner: Any, engines: FakeEngines | None = None, conversation_id: str = ""
) -> AsyncIterator[LiveSocket]:
    the_engines = engines or FakeEngines()
    consumer = RealtimeConsumer(
        engines=lambda: the_engines,
        open_record=ConversationRecord.open,
        limits=Limits(),
        outside=LogAndLayer(),
        lender=Profiles(),
    )
    query = "extras=avatar" + (f"&conversation={conversation_id}" if conversation_id else "")
    socket = LiveSocket(consumer, user=owner, query=query)
    await socket.begin()
    try:
        yield socket
    finally:
        if not socket.future.done():
            await socket.leave()
