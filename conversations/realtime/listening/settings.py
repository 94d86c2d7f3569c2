"""How a session wants to be listened to: the wire's `turn_detection`, and what is ours."""

from typing import Literal

import msgspec

Eagerness = Literal["low", "medium", "high", "auto"]

MAX_UTTERANCE_MS = 60_000
MAX_PADDING_MS = 5_000


class TurnSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`turn_detection` of the wire. ``silence_duration_ms`` None means our own endpointing."""

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: float = 0.5
    """Probability of speech (0..1) that begins it; it ends 0.15 below."""
    prefix_padding_ms: int = 300
    silence_duration_ms: int | None = None
    idle_timeout_ms: int | None = None
    eagerness: Eagerness = "auto"
    create_response: bool = True
    interrupt_response: bool = True
    barge_in_confirm_ms: int = 400
    """Speech over an answer that cancels it."""

    def __post_init__(self) -> None:
        """Raises `ValueError` naming the field, what it may be and what it was."""
        _check("threshold", self.threshold, 0.0, 1.0)
        _check("prefix_padding_ms", self.prefix_padding_ms, 0, MAX_PADDING_MS)
        _check("silence_duration_ms", self.silence_duration_ms, 0, 30_000)
        _check("idle_timeout_ms", self.idle_timeout_ms, 1_000, 600_000)
        _check("barge_in_confirm_ms", self.barge_in_confirm_ms, 0, 10_000)

    @property
    def release_threshold(self) -> float:
        """Below it a frame is silence (hysteresis, as Silero's own iterator has it)."""
        return max(self.threshold - 0.15, 0.01)

    @property
    def fixed_silence_ms(self) -> int | None:
        """The silence that ends a turn whatever was said, or None: our own endpointing decides."""
        return self.silence_duration_ms if self.type == "server_vad" else None


def _check(name: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:
        raise ValueError(f"{name} must be between {least} and {most}, not {value}.")
