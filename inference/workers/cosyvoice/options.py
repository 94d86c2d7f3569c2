"""What the host tells the worker at its start, as JSON in its first argument."""

import msgspec


class CosyVoiceOptions(msgspec.Struct, frozen=True):
    socket: str
    checkout: str
    """CosyVoice's repository, with its submodules."""
    model: str
    """The folder of the weights."""
    timeout_s: float = 60.0
    """The longest that the next piece of sound may take; then the process ends, and is started again."""
    half: bool = False
    """Half precision, for a GPU."""
