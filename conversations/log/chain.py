"""The SHA-256 chain of a stream: each event's hash covers its columns as stored and the hash before it."""

import hashlib
import json
from datetime import UTC, datetime

from conversations.log.models import Event

GENESIS = "0" * 64
"""``prev_hash`` of a stream's first event."""


def timestamp(moment: datetime) -> str:
    """The one way a moment is written into the hash: UTC, microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def compute_hash(event: Event) -> str:
    """SHA-256 (hexadecimal) over a JSON array of all columns but ``hash`` itself."""
    columns = [
        event.prev_hash,
        event.position,
        event.event_id.hex,
        event.stream,
        event.sequence,
        event.type,
        event.version,
        event.payload,
        event.metadata,
        event.idempotency_key,
        event.idempotency_mac,
        timestamp(event.recorded_at),
    ]
    return hashlib.sha256(json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
