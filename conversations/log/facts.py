"""The base of all payload types: what an app writes into the log."""

from typing import ClassVar

import msgspec


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A small, versioned payload. ``personal`` names the fields that the log stores sealed."""

    type: ClassVar[str]
    version: ClassVar[int] = 1
    personal: ClassVar[frozenset[str]] = frozenset()
