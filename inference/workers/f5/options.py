"""What the host tells the worker at its start, as JSON in its first argument."""

import msgspec


class F5Options(msgspec.Struct, frozen=True):
    socket: str
    model: str = "F5TTS_v1_Base"
    """A configuration that comes with f5-tts, or a YAML file."""
    checkpoint: str = ""
    """A .safetensors file; empty: the published one, from the hub."""
    vocabulary: str = ""
    """A file with a token a line; empty: the one that comes with f5-tts."""
    vocoder: str = ""
    """Vocos' folder (config.yaml, pytorch_model.bin); empty: from the hub."""
    nfe_step: int = 16
    timeout_s: float = 120.0
    """The longest that a sentence may take; then the process ends, and is started again."""
    device: str = "cpu"
    threads: int = 1
    """Of the processor, when that is the device."""
