"""Stored payloads as facts again, whatever version they were stored in."""

from collections.abc import Mapping
from typing import Any

import msgspec

from conversations.events import conversation, moderation, reply, session, turn
from conversations.log.facts import Fact
from conversations.upcasts import upcast

_MODULES = {module.__name__ for module in (conversation, moderation, session, turn, reply)}

FACTS: dict[str, type[Fact]] = {fact.type: fact for fact in Fact.__subclasses__() if fact.__module__ in _MODULES}
"""By type; other streams' facts of this app join them (`people_events`)."""


class UnknownFact(Exception):
    """The log holds a fact that this program does not know, written by a newer one."""


def decode_fact(type_: str, version: int, payload: Mapping[str, Any], *, redacted: bool = False) -> Fact:
    """A stored payload as its type, whatever version it was stored in. Redacted personal fields are empty strings.

    Raises `UnknownFact`, or `msgspec.ValidationError` for a payload that does not fit its type.
    """
    fact = FACTS.get(type_)
    if fact is None or version > fact.version:
        raise UnknownFact(f"{type_} version {version} is unknown here: update the program.")
    payload = upcast(type_, version, payload, to=fact.version)
    if redacted:
        payload = dict.fromkeys(fact.personal, "") | dict(payload)
    return msgspec.convert(payload, fact)
