"""The one exception that becomes an ``error`` event; the socket stays open."""


class ProtocolError(Exception):
    """Something a client asked for cannot be done.

    ``code`` is stable and OpenAI's where OpenAI has one; ``message`` is for people; ``param`` names the field.
    """

    kind = "invalid_request_error"

    def __init__(self, code: str, message: str, param: str | None = None, event_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.event_id = event_id


def muted() -> ProtocolError:
    """What is said to a session that a moderator has silenced."""
    return ProtocolError(
        "session_muted",
        "A moderator has muted this session: nothing is heard and nothing is answered until it is let speak again.",
    )
