"""What a client is told first: the items of a conversation that it resumes."""

from typing import Literal

import msgspec

from conversations.events import Keep
from conversations.history import HistoryItem
from conversations.realtime import extras as ex
from conversations.realtime.items import Entry
from conversations.realtime.live import Live
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.items import (
    FunctionCall,
    FunctionCallOutput,
    InputText,
    Item,
    Message,
    OutputText,
    Status,
)

AT_ONCE = 500
"""Items told before what was told is waited for."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for when it connects."""

    owner_id: str
    model: str = ""
    conversation_id: str | None = None
    after: int = 0
    """Resuming: items whose facts come later than this sequence are told again."""
    extras: bool = False
    keep: Keep | None = None
    """What the person wants to be kept; None leaves what was chosen before."""


async def tell_conversation(live: Live, wish: Wish) -> None:
    """Fills the conversation from the record, and tells what the client has not seen."""
    sequence = 0
    if wish.conversation_id is not None:
        sequence = await _tell_history(live, wish.after)
    live.extras.tell(
        lambda: ex.ConversationOpened(
            conversation_id=live.record.conversation_id,
            sequence=sequence,
            resumed=wish.conversation_id is not None,
            keep=live.keep,
        )
    )


async def _tell_history(live: Live, after: int) -> int:
    """Returns the last sequence of the record."""
    facts = await live.record.facts_after(after)
    unseen = {getattr(recorded.fact, "item_id", None) for recorded in facts}
    for number, item in enumerate(await live.record.history(), start=1):
        entry = Entry(item=as_item(item), turn_id=item.turn_id, heard=None if item.complete else item.text)
        entry.settled.set()
        previous = live.conversation.add(entry)
        if item.item_id in unseen:
            added = ev.ItemAdded(item=entry.item, previous_item_id=previous)
            live.outbox.emit(added, ev.ItemDone(item=entry.item, previous_item_id=previous))
        if number % AT_ONCE == 0:
            await live.outbox.drained()
    return max((recorded.sequence for recorded in facts), default=after)


def as_item(item: HistoryItem) -> Item:
    """An item of the record as it travels; of an answer, what was heard."""
    match item.kind:
        case "function_call":
            return FunctionCall(id=item.item_id, call_id=item.call_id, name=item.name, arguments=item.text)
        case "function_call_output":
            return FunctionCallOutput(id=item.item_id, call_id=item.call_id, output=item.text)
        case _:
            status: Status = "completed" if item.complete else "incomplete"
            if item.role == "assistant":
                return Message(id=item.item_id, role="assistant", status=status, content=(OutputText(item.text),))
            role: Literal["system", "user"] = "system" if item.role == "system" else "user"
            return Message(id=item.item_id, role=role, status=status, content=(InputText(item.text),))
