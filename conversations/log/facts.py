"""What an app writes into the log: the base of all payload types, and a stored payload as its type again.

The log keeps each fact in the version it was written in. To change a fact: raise its ``version``, give it the step from
the version before, and store an example of the new one (``python -m tests.conversations.store_facts``).
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from conversations.log.types import Metadata, NewEvent, RecordedEvent

Payload = dict[str, Any]
Step = Callable[[Payload], Payload]
"""Takes a payload of one version and returns that of the next.

Pure, and at ease with personal fields that are absent: they are, once the fact's words were erased.
"""


def added_optional(payload: Payload) -> Payload:
    """The next version only has more fields, each with a default that says "not known"."""
    return payload


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A small, versioned payload. ``personal`` names the fields that the log stores sealed."""

    type: ClassVar[str]
    version: ClassVar[int] = 1
    personal: ClassVar[frozenset[str]] = frozenset()
    steps: ClassVar[tuple[Step, ...]] = ()
    """What brings older payloads to today's form: from version 1 to 2, from 2 to 3, and so on."""


FACTS: dict[str, type[Fact]] = {}
"""All facts that this program knows, by type: each app enters its own (`know`)."""


class UnknownFact(Exception):
    """The log holds a fact that this program does not know, written by a newer one."""


def know(*modules: str) -> None:
    """Enters the facts that these modules define."""
    FACTS.update({fact.type: fact for fact in Fact.__subclasses__() if fact.__module__ in modules})


def new_event(fact: Fact, metadata: Metadata) -> NewEvent:
    """A fact as the log takes it."""
    payload = msgspec.to_builtins(fact)
    return NewEvent(fact.type, payload, fact.version, fact.personal, metadata)


def fact_of(event: RecordedEvent) -> Fact:
    """What an event says, its words empty where they were erased. Raises as `decode_fact`."""
    return decode_fact(event.type, event.version, event.payload, redacted=event.redacted)


def decode_fact(type_: str, version: int, payload: Mapping[str, Any], *, redacted: bool = False) -> Fact:
    """A stored payload as its type, whatever version it was stored in. Redacted personal fields are empty strings.

    Raises `UnknownFact`, or `msgspec.ValidationError` for a payload that does not fit its type.
    """
    fact = FACTS.get(type_)
    if fact is None or version > fact.version:
        raise UnknownFact(f"{type_} version {version} is unknown here: update the program.")
    for step in fact.steps[version - 1 :]:
        payload = step(dict(payload))
    if redacted:
        payload = dict.fromkeys(fact.personal, "") | dict(payload)
    return msgspec.convert(payload, fact)
