"""Which of llama.cpp's slots a conversation goes to, so that its prompt is still there from the last turn.

llama.cpp itself takes the slot whose prompt looks most alike; with one system prompt for all, that can be another
conversation's. Here a slot belongs to whoever used it last and said so (``prompt_cache_key``): a conversation whose
oldest turns were dropped, so that its prompt no longer looks like itself, still comes back to its own slot and not to
another's, whose prompt it would push out. Without a key a slot is a conversation's own when the request begins with the
messages it last saw, but for the last of them.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

Key = bytes


class Slots:
    """Remembers each slot's last prompt as a hash per message. ``take`` never gives a slot to two requests at once."""

    def __init__(self, count: int) -> None:
        self._prompts: list[tuple[Key, ...]] = [() for _ in range(count)]
        self._owners: list[str] = [""] * count
        self._free: dict[int, None] = dict.fromkeys(range(count))  # least recently used first

    @contextmanager
    def take(self, messages: Sequence[Mapping[str, Any]], owner: str = "") -> Iterator[int | None]:
        """The slot for a prompt; None when all are busy (llama.cpp then queues the request itself)."""
        prompt = tuple(_key(message) for message in messages)
        slot = self._best(prompt, owner)
        if slot is None:
            yield None
            return
        del self._free[slot]
        self._prompts[slot], self._owners[slot] = prompt, owner
        try:
            yield slot
        finally:
            self._free[slot] = None

    @property
    def busy(self) -> bool:
        return len(self._free) < len(self._prompts)

    def forget(self) -> None:
        """The server behind the slots is a new one."""
        self._prompts = [() for _ in self._prompts]
        self._owners = [""] * len(self._owners)

    def _best(self, prompt: tuple[Key, ...], owner: str) -> int | None:
        if not self._free:
            return None
        if owner:
            mine = [slot for slot in self._free if self._owners[slot] == owner]
            unowned = [slot for slot in self._free if not self._owners[slot]]
            return (mine or unowned or list(self._free))[0]
        own = [slot for slot in self._free if _goes_on(self._prompts[slot], prompt)]
        if own:
            return max(own, key=lambda slot: len(self._prompts[slot]))
        empty = [slot for slot in self._free if not self._prompts[slot]]
        return empty[0] if empty else next(iter(self._free))


def _goes_on(last: tuple[Key, ...], prompt: tuple[Key, ...]) -> bool:
    """Whether the prompt continues the last one; its last message may have changed.

    An answer that was begun in a pause is begun anew when the user speaks on: then only the last message differs. A
    first message after the system's is no sign of that: every conversation has one.
    """
    if last and last == prompt[: len(last)]:
        return True
    return len(last) > 2 and last[:-1] == prompt[: len(last) - 1]


def _key(message: Mapping[str, Any]) -> Key:
    return hashlib.blake2b(msgspec.json.encode(message, order="sorted"), digest_size=16).digest()
