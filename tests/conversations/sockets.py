"""The socket of a conversation by its ASGI side, without a server."""

import json
from types import SimpleNamespace
from typing import Any

from channels.routing import URLRouter
from channels.testing import ApplicationCommunicator

from conversations.consumers import RealtimeConsumer
from conversations.errors import ConversationNotFound
from conversations.events import Keep, SessionOpened
from conversations.realtime.limits import Limits
from tests.conversations.talker import SERVER_EVENT, MemoryRecord
from tests.fake_engines import FakeEngines

USER = SimpleNamespace(pk="7d1f")


class Socket(ApplicationCommunicator):  # type: ignore[misc]  # asgiref's testing has no types
    """A WebSocket's ASGI side."""

    def __init__(
        self,
        consumer: RealtimeConsumer | URLRouter,
        *,
        user: Any = USER,
        query: str = "",
        protocols: tuple[str, ...] = (),
    ):
        scope = {
            "type": "websocket",
            "path": "/v1/realtime",
            "query_string": query.encode(),
            "subprotocols": list(protocols),
            "user": user,
        }
        super().__init__(consumer, scope)

    async def open(self) -> dict[str, Any]:
        await self.send_input({"type": "websocket.connect"})
        accepted: dict[str, Any] = await self.receive_output(2)
        assert accepted["type"] == "websocket.accept"
        return accepted

    async def event(self) -> dict[str, Any]:
        message = await self.receive_output(2)
        assert message["type"] == "websocket.send", message
        SERVER_EVENT.validate_json(message["text"])
        event: dict[str, Any] = json.loads(message["text"])
        return event

    async def closed(self) -> int:
        """The close code, whatever is still said before."""
        while True:
            message = await self.receive_output(5)
            if message["type"] == "websocket.close":
                return int(message["code"])

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.wait(5)


def consumer(
    engines: FakeEngines | None = None, record: MemoryRecord | None = None, limits: Limits | None = None
) -> RealtimeConsumer:
    engines = engines or FakeEngines()
    the_record = record or MemoryRecord()

    async def open_record(
        *, owner_id: str, session: SessionOpened, conversation_id: str | None = None, keep: Keep | None = None
    ) -> MemoryRecord:
        if conversation_id not in {None, the_record.conversation_id}:
            raise ConversationNotFound
        return the_record

    return RealtimeConsumer(engines=lambda: engines, open_record=open_record, limits=limits or Limits())
