"""The names of conversations' streams in the log."""

CATEGORY = "conversation"


def stream_of(conversation_id: str) -> str:
    return f"{CATEGORY}-{conversation_id}"


def conversation_of(stream: str) -> str:
    """The conversation's id in a stream's name."""
    return stream.partition("-")[2]
