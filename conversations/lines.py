"""What was said before, line by line, for a page that goes on with the conversation: what the model remembers, too."""

from datetime import datetime

import msgspec

from conversations.events import decode_fact
from conversations.history import History
from conversations.log import store
from conversations.models import Conversation
from conversations.streams import stream_of

MOST = 400
"""Lines told; of a longer conversation, the last."""


class EarlierLine(msgspec.Struct, frozen=True):
    """``complete``: False for an answer that was cut off."""

    id: str
    role: str
    text: str
    at: datetime
    complete: bool


class Earlier(msgspec.Struct, frozen=True):
    """``sequence``: up to which fact these are; ``left_out``: how many lines came before these."""

    conversation_id: str
    sequence: int
    left_out: int
    lines: tuple[EarlierLine, ...]


def earlier_lines(conversation: Conversation) -> Earlier:
    """The lines of a conversation that may be read by whoever asks. Blocking."""
    history, sequence = History(), 0
    began: dict[str, datetime] = {}
    for event in store.read_stream(stream_of(str(conversation.id))):
        fact = decode_fact(event.type, event.version, event.payload, redacted=event.redacted)
        history.apply(fact, event.metadata.correlation)
        began.setdefault(getattr(fact, "item_id", ""), event.recorded_at)
        sequence = event.sequence
    said = [item for item in history.items() if item.kind == "message" and item.role in {"user", "assistant"}]
    lines = tuple(
        EarlierLine(item.item_id, item.role, item.text, began[item.item_id], item.complete) for item in said[-MOST:]
    )
    return Earlier(str(conversation.id), sequence, len(said) - len(lines), lines)
