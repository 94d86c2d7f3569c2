"""What can go wrong on the way to an engine; every error says whether to try again."""


class EngineError(Exception):
    """An engine could not do its work.

    ``message`` is for people; ``permanent`` means that the same request will fail again; ``code`` is stable.
    """

    code = "engine_error"

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent


class EngineUnavailable(EngineError):
    """The host or the engine is not there now (starting, restarting, gone)."""

    code = "engine_unavailable"


class EngineRefused(EngineError):
    """The request itself is wrong: too long, no such language, undecodable."""

    code = "invalid_request"

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class ContextTooLong(EngineRefused):
    """The prompt does not fit the chat model's window."""

    code = "context_length_exceeded"


class ServerFull(EngineError):
    """No session slot is free."""

    code = "server_full"


class AudioRefused(EngineRefused):
    """Audio that is not what it says it is, or beyond the bounds.

    ``why`` is stable where a file was looked at (`inference.audio.decode`), and ``values`` fill what is said of it: so
    that it can be said in other languages.
    """

    code = "invalid_audio"

    def __init__(self, message: str, *, why: str = "", **values: object) -> None:
        super().__init__(message)
        self.why = why
        self.values = values


class ReferenceUnknown(EngineRefused):
    """The host has not been given this reference, or has let it go for want of room: send it, then ask again."""

    code = "reference_unknown"


class VoiceStopped(EngineRefused):
    """Nothing is to be said with this reference any more: its owner, or a moderator, has taken it back."""

    code = "voice_stopped"
