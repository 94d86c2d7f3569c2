"""The real `realtime.oversight.Outside`: orders from the log, presence in its table, pokes over the channel layer."""

from collections.abc import AsyncGenerator

from conversations.oversight.broadcast import apoke
from conversations.oversight.orders import Order, orders
from conversations.oversight.presence import attend


class LogAndLayer:
    """One for all sessions of a process."""

    def orders(self, conversation_id: str, session_id: str) -> AsyncGenerator[Order, None]:
        return orders(conversation_id, session_id)

    async def attend(self, session_id: str) -> None:
        await attend(session_id)

    async def poke(self, conversation_id: str, sequence: int) -> None:
        await apoke(conversation_id, sequence)
