"""What can go wrong in the event store."""


class LogError(Exception):
    """An append or a read failed; the message is for people. Nothing of the append was stored unless it says so."""

    permanent = True


class WrongSequence(LogError):
    """The stream has moved on: its last sequence is not the one expected."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"Stream {stream} is at sequence {actual}, not at {expected}: read it again and decide anew.")
        self.stream = stream
        self.expected = expected
        self.actual = actual


class IdempotencyMismatch(LogError):
    """The idempotency key was used before with other content (or with content whose key is gone)."""


class KeyDestroyed(LogError):
    """The key of these words or this sound was destroyed: they were erased, and nothing can be added to them."""


class LogBusy(LogError):
    """The queue of the log is full; the same call may succeed a moment later."""

    permanent = False


class LogTimeout(LogError):
    """The log did not answer in time. The events may or may not be stored: repeat with the same idempotency key."""

    permanent = False


class LogUnavailable(LogError):
    """The database went away and did not come back in time. Repeat with the same idempotency key."""

    permanent = False


class LogClosed(LogError):
    """The log of this process is shutting down."""

    permanent = False


class AudioMissing(LogError):
    """No such sound: never stored, erased, or its file is gone."""


class AudioDamaged(LogError):
    """The sound's file is not what was stored."""


class MasterKeyMissing(LogError):
    """AVATAR_MASTER_KEY is not set, or is not the key that this data was stored under."""
