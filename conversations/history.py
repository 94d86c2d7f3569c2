"""What the model's context is built from: a conversation as it was *heard*, folded from its facts."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from conversations.events import (
    Fact,
    ItemCreated,
    ItemDeleted,
    ReplyHeard,
    ReplySpoken,
    ToolCalled,
    TurnRedacted,
    UserSpoke,
    UserTranscribed,
    UserWrote,
)

ItemKind = Literal["message", "function_call", "function_call_output"]


class HistoryItem(msgspec.Struct, frozen=True):
    """One item of the context. ``text``: a message's words, a call's arguments, or a call's output.

    ``turn_id`` groups items, so that whole turns can be dropped. ``complete`` is False for an answer of which the
    listener heard only this much.
    """

    item_id: str
    kind: ItemKind
    role: str = ""
    text: str = ""
    call_id: str = ""
    name: str = ""
    turn_id: str = ""
    complete: bool = True


class _Item(msgspec.Struct):
    item_id: str
    kind: ItemKind
    role: str
    turn_id: str
    text: str = ""
    call_id: str = ""
    name: str = ""
    spoken: dict[int, str] = msgspec.field(default_factory=dict)
    heard: ReplyHeard | None = None
    known: bool = True
    """False while an utterance has no transcript."""

    def finish(self) -> HistoryItem | None:
        text, complete = self.text, True
        if self.kind == "message" and (self.spoken or self.heard is not None):
            text, complete = heard_words(self.spoken, self.heard)
        if not self.known or (self.kind == "message" and not text):
            return None
        return HistoryItem(self.item_id, self.kind, self.role, text, self.call_id, self.name, self.turn_id, complete)


def join_sentences(spoken: dict[int, str]) -> str:
    """The sentences of an answer in order, with a space between two where neither brings one."""
    text = ""
    for index in sorted(spoken):
        sentence = spoken[index]
        gap = " " if text and not text[-1].isspace() and not sentence[:1].isspace() and text[-1].isascii() else ""
        text += gap + sentence
    return text


def heard_words(spoken: dict[int, str], heard: ReplyHeard | None) -> tuple[str, bool]:
    """What was heard of an answer, and whether that is all of it.

    Without `ReplyHeard` (a crash in mid-answer) it is what was spoken, marked incomplete; it is never more than that.
    """
    said = join_sentences(spoken)
    if heard is None:
        return said, False
    if len(heard.text) > len(said):
        return said, heard.complete
    return heard.text, heard.complete


def supersedes(new: ReplyHeard, known_source: str) -> bool:
    """Whether ``new`` replaces what is known: the client knows better than the server's playback clock."""
    return new.source == "client" or known_source != "client"


class History:
    """Facts in, context out. Feed facts in the order of their sequence."""

    def __init__(self) -> None:
        self._items: dict[str, _Item] = {}
        self._order: list[str] = []
        self._deleted: set[str] = set()
        self._redacted: set[str] = set()
        """Turns: what still comes of them stays away."""

    def apply(self, fact: Fact, turn_id: str) -> None:
        if turn_id in self._redacted:
            return
        match fact:
            case UserSpoke():
                item = _Item(fact.item_id, "message", "user", turn_id, known=False)
                self._insert(item, fact.previous_item_id)
            case UserTranscribed():
                item = self._item(fact.item_id, "user", turn_id)
                item.text, item.known = fact.text, True
            case UserWrote():
                self._insert(_Item(fact.item_id, "message", "user", turn_id, fact.text), fact.previous_item_id)
            case ItemCreated():
                self._insert(_client_item(fact, turn_id), fact.previous_item_id)
            case ReplySpoken():
                self._item(fact.item_id, "assistant", turn_id).spoken[fact.index] = fact.text
            case ReplyHeard():
                item = self._item(fact.item_id, "assistant", turn_id)
                if item.heard is None or supersedes(fact, item.heard.source):
                    item.heard = fact
            case ToolCalled() if fact.arguments:  # else its words are not kept: a call without them misleads
                call = _Item(fact.item_id, "function_call", "", turn_id, fact.arguments, fact.call_id, fact.name)
                self._insert(call, None)
            case _:
                self._take_away(fact)

    def _take_away(self, fact: Fact) -> None:
        match fact:
            case ItemDeleted():
                self._remove(fact.item_id)
                self._deleted.add(fact.item_id)
            case TurnRedacted() if fact.what == "all":
                self._redacted.add(fact.turn_id)
                for item_id in [item.item_id for item in self._items.values() if item.turn_id == fact.turn_id]:
                    self._remove(item_id)
            case _:
                pass

    def items(self) -> tuple[HistoryItem, ...]:
        """The items in the conversation's order, without those of which nothing was heard or understood."""
        finished = (self._items[item_id].finish() for item_id in self._order)
        return tuple(item for item in finished if item is not None)

    def _insert(self, item: _Item, previous: str | None) -> None:
        self._remove(item.item_id)
        self._items[item.item_id] = item
        if previous == "root":
            self._order.insert(0, item.item_id)
        elif previous is not None and previous in self._items:
            self._order.insert(self._order.index(previous) + 1, item.item_id)
        else:
            self._order.append(item.item_id)

    def _item(self, item_id: str, role: str, turn_id: str) -> _Item:
        if item_id not in self._items:
            item = _Item(item_id, "message", role, turn_id)
            if item_id in self._deleted:
                return item  # The client deleted it while it was being transcribed or spoken: it stays away.
            self._insert(item, None)
        return self._items[item_id]

    def _remove(self, item_id: str) -> None:
        if self._items.pop(item_id, None) is not None:
            self._order.remove(item_id)


class _Part(msgspec.Struct):
    text: str | None = None
    transcript: str | None = None


class _ClientItem(msgspec.Struct):
    type: str = "message"
    role: str = ""
    content: list[_Part] = msgspec.field(default_factory=list)
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str = ""


def _client_item(fact: ItemCreated, turn_id: str) -> _Item:
    if not fact.content:  # redacted
        return _Item(fact.item_id, "message", fact.role, turn_id)
    item = msgspec.json.decode(fact.content, type=_ClientItem)
    match item.type:
        case "function_call":
            return _Item(fact.item_id, "function_call", "", turn_id, item.arguments, item.call_id, item.name)
        case "function_call_output":
            return _Item(fact.item_id, "function_call_output", "", turn_id, item.output, item.call_id)
        case _:
            text = _join(item.content)
            return _Item(fact.item_id, "message", item.role or fact.role, turn_id, text)


def _join(parts: Iterable[_Part]) -> str:
    return "\n".join(words for part in parts if (words := part.text or part.transcript))
