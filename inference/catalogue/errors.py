"""What can go wrong with models; each message says what happened, what it means and what to do."""

from inference.errors import EngineError


class ModelMissing(EngineError):
    """The model is not on this machine."""

    code = "model_missing"

    def __init__(self, name: str, command: str) -> None:
        super().__init__(
            f"The model {name} is not on this machine. Pull it with: {command}",
            permanent=True,
        )


class UnknownModel(EngineError):
    """No such name in the catalogue."""

    code = "model_unknown"

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class PullFailed(EngineError):
    """A model could not be brought here; nothing half-written is in place."""

    code = "pull_failed"

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message, permanent=permanent)


class WrongHash(PullFailed):
    """A file is not the one the catalogue names."""

    code = "wrong_hash"


class DiskFull(PullFailed):
    """The models' disk has too little room."""

    code = "disk_full"


class NoNetwork(PullFailed):
    """The server cannot be reached, or the connection kept breaking."""

    code = "no_network"

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=False)
