"""Sound that may become a turn: speech too short yet to count, or speech over an answer."""

from dataclasses import dataclass

from conversations.realtime.listening.echo import Verdict
from inference.types import WIRE_RATE

SAMPLES_PER_MS = WIRE_RATE // 1000
HOP_MS = 32
"""What the voice activity model judges at once."""


@dataclass(slots=True)
class Onset:
    """Positions are samples at `WIRE_RATE` since the session began."""

    start: int
    end: int
    """Where its last speech was heard."""
    voiced_ms: int = 0
    suspected: bool = False
    """The session holds an answer because of it."""
    verdict: Verdict = Verdict.UNSURE
    """Whether it is the answer's echo, as last judged."""
    judged_ms: int = 0
    """How much of it was voiced then; 0 before the first time."""
    decided: bool = False
    """The verdict stands."""
    confirm_ms: int | None = None
    """Speech that makes it an interruption, once it was heard long enough to tell a word from a hum."""

    def hear(self, speech: bool, now: int) -> None:
        """Takes one frame that ends ``now``."""
        if speech:
            self.voiced_ms += HOP_MS
            self.end = now

    def silent_ms(self, now: int) -> int:
        return (now - self.end) // SAMPLES_PER_MS
