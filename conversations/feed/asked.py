"""What a request for a stream asks for."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from conversations.errors import Invalid

Scope = dict[str, Any]


class Asked(msgspec.Struct, frozen=True):
    """Everything above position ``after``; of everybody, or one's own alone."""

    after: int
    everything: bool


def header(scope: Scope, name: bytes) -> str:
    """The first header of that name, or an empty string."""
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), "")


def wants_stream(scope: Scope) -> bool:
    """Whether a request is for server-sent events: its Accept header says so."""
    kinds = (part.partition(";") for part in header(scope, b"accept").lower().split(","))
    return any(kind.strip() == "text/event-stream" and q.replace(" ", "") != "q=0" for kind, _, q in kinds)


def asked(scope: Scope) -> Asked:
    """The last event that a client saw (``Last-Event-ID``) goes before ``after``. Raises `Invalid`."""
    query = parse_qs(str(scope.get("query_string", b""), "latin-1"))
    last_seen = header(scope, b"last-event-id")
    after = _position("Last-Event-ID", last_seen) if last_seen else _position("after", query.get("after", ["0"])[0])
    everything = query.get("everybody", ["false"])[0].lower()
    if everything not in {"true", "false"}:
        raise Invalid("everybody is true or false.")
    return Asked(after, everything == "true")


def _position(name: str, text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Invalid(f"{name} is a position: a whole number, 0 for the beginning.")
    return int(text)
