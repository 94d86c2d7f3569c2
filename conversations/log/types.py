"""What crosses the boundary of the event store."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who and why. ``actor`` is an opaque id, never a name."""

    actor: str = ""
    session: str = ""
    correlation: str = ""
    """What the event belongs to together with others: the turn. Data keys are kept per correlation."""
    causation: str = ""
    """``event_id`` of the event that led to this one."""
    happened_at: str = ""
    """When it happened, where that was not when it was recorded: of a copy (ISO 8601, UTC). Empty: when recorded."""


class NewEvent(msgspec.Struct, frozen=True):
    """An event to append. ``personal`` names the payload's fields that are stored encrypted."""

    type: str
    payload: Mapping[str, Any]
    version: int = 1
    personal: frozenset[str] = frozenset()
    metadata: Metadata = Metadata()


class RecordedEvent(msgspec.Struct, frozen=True):
    """An event as it was stored, its personal fields in clear unless ``redacted``: then they are absent."""

    position: int
    event_id: UUID
    stream: str
    sequence: int
    type: str
    version: int
    payload: dict[str, Any]
    metadata: Metadata
    recorded_at: datetime
    redacted: bool = False


class Appended(msgspec.Struct, frozen=True):
    """The result of an append: sequences ``first``..``last`` of the stream. ``repeated``: they were there before."""

    first: int
    last: int
    event_ids: tuple[UUID, ...]
    repeated: bool = False
