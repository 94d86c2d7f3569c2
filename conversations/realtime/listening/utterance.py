"""An open turn: the user has been speaking since ``speech_start`` and may be pausing."""

from dataclasses import dataclass

from conversations.realtime.listening.endpointing import FINISHED, silence_ms, waits
from conversations.realtime.listening.onset import HOP_MS, SAMPLES_PER_MS
from conversations.realtime.listening.settings import MAX_UTTERANCE_MS, TurnSettings

PAUSE_MS = 64
"""Silence that makes a pause: two frames."""
LASTING_MS = 480
"""Silence after which a speaker who did not sound finished is judged again: Smart Turn hears the silence too."""
STIRRING_MS = 3 * HOP_MS
"""An end is put off by so much while the model half hears speech again: it takes its time to be sure."""


@dataclass(slots=True)
class Utterance:
    """All positions are samples at `WIRE_RATE` since the session began."""

    start: int
    """Where its audio starts: the prefix padding before the first speech."""
    speech_start: int
    speech_end: int
    pause: int | None = None
    """The number of the pause that it is in."""
    probability: float | None = None
    text: str | None = None
    stirring: bool = False
    """The model half hears speech again."""
    lasting: bool = False
    """The pause was reported once more."""

    def resume(self) -> None:
        self.pause = self.probability = self.text = None
        self.lasting = False

    def lasts(self, now: int) -> bool:
        """Whether the pause has to be reported once more."""
        doubtful = self.probability is not None and self.probability < FINISHED
        return doubtful and not self.lasting and now - self.speech_end >= LASTING_MS * SAMPLES_PER_MS

    @property
    def cut_at(self) -> int:
        """Where it is committed however it goes on."""
        return self.start + MAX_UTTERANCE_MS * SAMPLES_PER_MS

    def over_at(self, settings: TurnSettings) -> int | None:
        """Where the present pause ends the turn, by what is known now; None while there is speech."""
        if self.pause is None:
            return None
        wait = settings.fixed_silence_ms
        if wait is None:
            wait = silence_ms(
                waits(settings),
                speech_ms=(self.speech_end - self.speech_start) // SAMPLES_PER_MS,
                probability=self.probability,
                text=self.text,
            )
            if self.stirring:
                wait += STIRRING_MS
        return self.speech_end + wait * SAMPLES_PER_MS
