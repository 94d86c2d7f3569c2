"""What was said before, line by line, for a page that goes on with the conversation: what the model remembers, too."""

from datetime import datetime

import msgspec
from django.urls import reverse

from conversations.history import History
from conversations.log import store
from conversations.log.facts import fact_of
from conversations.models import Conversation, Turn
from conversations.streams import stream_of

MOST = 400
"""Lines told; of a longer conversation, the last."""


class EarlierLine(msgspec.Struct, frozen=True):
    """``complete``: False for an answer that was cut off. ``recording``: the address of its sound, if it was kept."""

    id: str
    role: str
    text: str
    at: datetime
    complete: bool
    recording: str = ""


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
        fact = fact_of(event)
        history.apply(fact, event.metadata.correlation)
        began.setdefault(getattr(fact, "item_id", ""), event.recorded_at)
        sequence = event.sequence
    said = [item for item in history.items() if item.kind == "message" and item.role in {"user", "assistant"}]
    recordings = _recordings(conversation)
    lines = tuple(
        EarlierLine(
            item.item_id, item.role, item.text, began[item.item_id], item.complete, recordings.get(item.item_id, "")
        )
        for item in said[-MOST:]
    )
    return Earlier(str(conversation.id), sequence, len(said) - len(lines), lines)


def _recordings(conversation: Conversation) -> dict[str, str]:
    """Addresses of sounds by item; of an answer, what was heard of it."""
    found: dict[str, str] = {}
    for turn in Turn.objects.filter(conversation=conversation).exclude(user_audio_id="", reply_audio_id=""):
        if turn.user_audio_id:
            found[turn.user_item_id] = _address(turn, "user")
        if turn.reply_audio_id and turn.heard_ms:
            found[turn.reply_item_id] = _address(turn, "reply")
    return found


def _address(turn: Turn, who: str) -> str:
    return reverse("conversations:turn_audio", args=[turn.conversation_id, turn.number, who])
