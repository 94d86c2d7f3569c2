"""A person's search key: tokens are hashed under it, and it dies with the person."""

import hmac

from conversations.log.errors import KeyDestroyed
from conversations.log.eventlog import event_log
from conversations.log.keys import KeyRing
from conversations.people_events import person_stream

_BYTES = 8


class SearchKey:
    """Hashes tokens for one person."""

    def __init__(self, secret: bytes) -> None:
        self._secret = hmac.digest(secret, b"search", "sha256")

    def hashed(self, token: str) -> int:
        """64 bits with a sign, as databases take them."""
        return int.from_bytes(hmac.digest(self._secret, token.encode(), "sha256")[:_BYTES], "big", signed=True)


def search_key(owner_id: str) -> SearchKey | None:
    """The person's key, made when it is first needed; None once it was destroyed. Not inside a transaction."""
    stream = person_stream(owner_id)
    ring = KeyRing.load(stream, ())
    try:
        if not ring.rows:
            return SearchKey(event_log().write_now(lambda: KeyRing.load(stream, ()).stream_key(create=True).secret))
        return SearchKey(ring.stream_key().secret)
    except KeyDestroyed:
        return None
