"""Sound that may become a turn: speech too short yet to count, or speech over an answer."""

from dataclasses import dataclass, field

HOP_MS = 32
MIN_SPEECH_MS = 96
"""Shorter than this is a click, not a turn; "yes" has 200 and more."""
SUSPECT_MS = 128
"""Speech over an answer that holds the sending: 150 ms of speech, of which the model has missed the first moments."""
SHORT_GAP_MS = 128
LONG_GAP_MS = 256
"""Silence after which it is over: without and with a suspicion (words have gaps of their own)."""


@dataclass(slots=True)
class Onset:
    """All positions are samples at `WIRE_RATE` since the session began."""

    start: int
    end: int
    """Where its last speech was heard."""
    voiced_ms: int = 0
    suspected: bool = False
    judged_ms: int = field(default=0)
    """How much of it was voiced when it was last compared with the answer's echo."""

    def hear(self, speech: bool, now: int) -> None:
        """Takes one frame that ends ``now``."""
        if speech:
            self.voiced_ms += HOP_MS
            self.end = now

    @property
    def longest_gap_ms(self) -> int:
        return LONG_GAP_MS if self.suspected else SHORT_GAP_MS
