"""Names of things on the wire."""

import secrets
from typing import Literal

Kind = Literal["event", "item", "resp", "sess", "call", "turn"]


def new_id(kind: Kind) -> str:
    """A random name with its kind before it, such as ``item_5f0c...``."""
    return f"{kind}_{secrets.token_hex(10)}"


def event_id() -> str:
    return new_id("event")
