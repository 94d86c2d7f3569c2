"""The items of the live conversation, in order, and how much of each was heard."""

import asyncio
from collections.abc import Iterator

import msgspec

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import Item, Message

KEPT_SOUND_BYTES = 3 * 1024 * 1024
"""Sound kept in memory for `conversation.item.retrieve`; the oldest goes first (the record keeps all of it)."""


class Entry(msgspec.Struct):
    """One item. ``heard`` is what of an answer reached the listener (None: all of it, or not an answer)."""

    item: Item
    turn_id: str
    heard: str | None = None
    sound: bytes = b""
    settled: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    """Set once the words are known: a spoken item joins the conversation before it is transcribed."""
    live: bool = False
    """An answer still being made; it is not yet part of what the model is shown."""

    @property
    def id(self) -> str:
        assert self.item.id is not None
        return self.item.id


class Conversation:
    """Ordered items by id."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._order: list[str] = []

    def __iter__(self) -> Iterator[Entry]:
        return (self._entries[item_id] for item_id in self._order)

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._entries

    def get(self, item_id: str) -> Entry:
        """Raises `ProtocolError` when there is no such item."""
        try:
            return self._entries[item_id]
        except KeyError:
            raise ProtocolError(
                "item_not_found", f"There is no item {item_id[:100]!r} in this conversation.", "item_id"
            ) from None

    def add(self, entry: Entry, after: str | None = None) -> str | None:
        """Puts an item behind ``after`` (``root``: at the beginning; None: at the end); returns the one before it."""
        if entry.id in self._entries:
            raise ProtocolError("item_already_exists", f"There is an item {entry.id[:100]!r} already.", "item.id")
        if after is None:
            position = len(self._order)
        elif after == "root":
            position = 0
        elif after in self._entries:
            position = self._order.index(after) + 1
        else:
            raise ProtocolError("item_not_found", f"There is no item {after[:100]!r}.", "previous_item_id")
        self._order.insert(position, entry.id)
        self._entries[entry.id] = entry
        self._forget_old_sound()
        return self._order[position - 1] if position else None

    def previous(self, item_id: str) -> str | None:
        position = self._order.index(item_id)
        return self._order[position - 1] if position else None

    def remove(self, item_id: str) -> Entry:
        entry = self.get(item_id)
        self._order.remove(item_id)
        del self._entries[item_id]
        return entry

    @property
    def all_settled(self) -> bool:
        return all(entry.settled.is_set() for entry in self)

    async def settled(self) -> None:
        """Waits until every spoken item has its words."""
        for entry in list(self):
            await entry.settled.wait()

    def _forget_old_sound(self) -> None:
        kept = 0
        for item_id in reversed(self._order):
            entry = self._entries[item_id]
            kept += len(entry.sound)
            if kept > KEPT_SOUND_BYTES:
                entry.sound = b""


def with_transcript(item: Item, transcript: str) -> Item:
    """A spoken message with the words that were heard in it."""
    assert isinstance(item, Message)
    content = tuple(
        msgspec.structs.replace(part, transcript=transcript) if hasattr(part, "transcript") else part
        for part in item.content
    )
    return msgspec.structs.replace(item, content=content)
