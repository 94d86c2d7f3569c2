"""The events of a conversation by the moment they were recorded: what happened when, without a word of it."""

from datetime import datetime

import msgspec

from conversations.log.models import Event
from conversations.selectors import ConversationView
from conversations.streams import stream_of


class Moment(msgspec.Struct, frozen=True):
    """``turn_id`` is empty for what befell the conversation as a whole."""

    sequence: int
    type: str
    turn_id: str
    recorded_at: datetime


class _Place(msgspec.Struct):
    correlation: str = ""


def moments_of(view: ConversationView) -> tuple[Moment, ...]:
    """In the order of the log. One query; nothing is decrypted."""
    rows = Event.objects.filter(stream=stream_of(str(view.conversation.id))).order_by("sequence")
    found = rows.values_list("sequence", "type", "metadata", "recorded_at")
    return tuple(
        Moment(sequence, type_, msgspec.json.decode(metadata, type=_Place).correlation, recorded_at)
        for sequence, type_, metadata, recorded_at in found.iterator()
    )
