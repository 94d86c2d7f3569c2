"""Why a session ends or does not begin: the ``error`` a client reads, then the close code."""

from typing import Literal

import msgspec

NORMAL = 1000


class Ending(msgspec.Struct, frozen=True):
    """``code`` and ``message`` go out as an ``error`` event first; without a code nothing is said."""

    reason: str
    """As the record has it."""
    close_code: int = NORMAL
    code: str = ""
    message: str = ""
    kind: Literal["invalid_request_error", "server_error"] = "invalid_request_error"


DISCONNECTED = Ending("disconnected")
UNAUTHORIZED = Ending(
    "unauthorized", 4401, "unauthorized", "Sign in first, or send an API key (`Authorization: Bearer KEY`)."
)
DRAINING = Ending(
    "draining",
    4012,
    "draining",
    "The server is stopping. Connect again in a moment; the conversation is kept.",
    kind="server_error",
)
SERVER_FULL = Ending(
    "server_full",
    4013,
    "server_full",
    "All places are taken. Try again when a conversation has ended.",
    kind="server_error",
)
IDLE = Ending("idle", NORMAL, "session_idle", "Nothing was said for a long time, so the session ends. Connect again.")
EXPIRED = Ending(
    "expired", NORMAL, "session_expired", "The session has reached its longest duration. Connect again to go on."
)
SLOW = Ending("slow client", 4008, "client_too_slow", "The client does not read what it is sent.")
CRASHED = Ending(
    "crashed",
    4500,
    "server_error",
    "Something went wrong here, so the session ends. The conversation is kept.",
    kind="server_error",
)
CUT = Ending("cut", 4403, "forbidden", "A moderator has ended this session. Ask who runs this server why.")
BLOCKED = Ending("blocked", 4403, "forbidden", "You may not talk here any more. Ask who runs this server why.")
LOST = Ending(
    "lost",
    4012,
    "draining",
    "The server took this session for lost. Connect again; the conversation is kept.",
    kind="server_error",
)
ERASED = Ending("erased", 4404, "conversation_not_found", "This conversation was erased, so the session ends.")
UNKNOWN_KEEP = Ending(
    "unknown keep", 4400, "invalid_value", "What is kept (`keep`) is one of sound, text, nothing. Nothing was recorded."
)
CUT = Ending("cut", 4403, "forbidden", "A moderator has ended this session. Ask who runs this server why.")
BLOCKED = Ending("blocked", 4403, "forbidden", "You may not talk here any more. Ask who runs this server why.")
LOST = Ending(
    "lost",
    4012,
    "draining",
    "The server took this session for lost. Connect again; the conversation is kept.",
    kind="server_error",
)
ERASED = Ending("erased", 4404, "conversation_not_found", "This conversation was erased, so the session ends.")
NOT_FOUND = Ending("not found", 4404, "conversation_not_found", "There is no such conversation.")
NO_SOCKET = Ending(
    "no socket", 4404, "not_found", "There is no socket at this address: conversations are held at /v1/realtime."
)
