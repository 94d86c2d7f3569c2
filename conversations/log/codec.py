"""Events as rows and back: personal fields sealed under the turn's words key, everything else as plain JSON."""

import base64
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from conversations.log import crypto
from conversations.log.keys import DataKey, KeyRing
from conversations.log.models import Event, Purpose
from conversations.log.types import Metadata, NewEvent, RecordedEvent

SEALED = "sealed"
"""The field of a stored payload that holds the personal fields' box; payload types must not use the name."""


class _Sealed(msgspec.Struct, frozen=True):
    key: UUID
    box: str
    """Base64 of `crypto.seal` over a JSON object of the personal fields."""


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def encode_payload(event: NewEvent, event_id: UUID, key: DataKey | None) -> str:
    """The payload as it is stored. ``key`` is needed when the event has personal fields."""
    stored: dict[str, Any] = {name: value for name, value in event.payload.items() if name not in event.personal}
    if SEALED in stored:
        raise ValueError(f"{event.type}: a payload may not have a field named {SEALED!r}")
    if event.personal:
        if key is None:
            raise ValueError(f"{event.type}: personal fields need a key")
        secret = canonical({name: event.payload[name] for name in event.personal if name in event.payload})
        box = crypto.seal(key.secret, secret.encode(), event_id.bytes)
        stored[SEALED] = {"key": key.id.hex, "box": base64.b64encode(box).decode()}
    return canonical(stored)


def decode(row: Event, ring: KeyRing) -> RecordedEvent:
    """The event with its personal fields in clear, as far as their key still exists.

    Raises `crypto.BoxDamaged` when the box was changed.
    """
    payload: dict[str, Any] = msgspec.json.decode(row.payload)
    redacted = False
    if (box := payload.pop(SEALED, None)) is not None:
        sealed = msgspec.convert(box, _Sealed)
        key = ring.find(sealed.key)
        if key is None:
            redacted = True
        else:
            plain = crypto.unseal(key.secret, base64.b64decode(sealed.box), row.event_id.bytes)
            payload |= msgspec.json.decode(plain)
    return RecordedEvent(
        position=row.position,
        event_id=row.event_id,
        stream=row.stream,
        sequence=row.sequence,
        type=row.type,
        version=row.version,
        payload=payload,
        metadata=decode_metadata(row),
        recorded_at=row.recorded_at,
        redacted=redacted,
    )


def decode_metadata(row: Event) -> Metadata:
    return msgspec.json.decode(row.metadata, type=Metadata)


def content_mac(events: Sequence[NewEvent], ring: KeyRing, *, create: bool) -> str:
    """What a repeated idempotency key is compared by: ciphertexts differ each time, this does not.

    Under the first event's words key, so that it tells nothing once that is destroyed.
    """
    content = canonical([[event.type, event.version, event.payload, event.metadata.correlation] for event in events])
    key = ring.data_key(events[0].metadata.correlation, Purpose.WORDS, create=create)
    return crypto.mac(key.secret, b"idempotency", content.encode())
