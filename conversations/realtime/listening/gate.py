"""What may pass from silence into a turn: no click, no echo, and over an answer nothing but an interruption.

Over an answer (`playing`, and the session wants to be interrupted) speech is suspected first, so that the sending can
be held, and confirmed when it goes on; a cough or a hum is dropped. Without an answer a moment of speech is enough.
While an answer may still come back as an echo, each decision waits for the comparison with it.
"""

from conversations.realtime.listening.articulation import is_hum
from conversations.realtime.listening.echo import CONTEXT_MS, EchoGuard, Verdict
from conversations.realtime.listening.onset import HOP_MS, SAMPLES_PER_MS, Onset
from conversations.realtime.listening.settings import TurnSettings
from conversations.realtime.listening.track import Track
from conversations.realtime.turn_events import BargeInDropped, BargeInSuspected, TurnEvent

MIN_SPEECH_MS = 96
"""Shorter than this is a click, not a turn; "yes" has 200 and more."""
SUSPECT_MS = 128
"""Speech over an answer that holds the sending: 150 ms of speech, of which the model has missed the first moments."""
DECIDED_MS = 384
"""After so much speech the comparison with the answer has to decide."""
JUDGE_AGAIN_MS = 64
SHORT_GAP_MS = 128
LONG_GAP_MS = 256
"""Silence after which it is over: without and with a suspicion (sentences have gaps of their own)."""


class Gate:
    """Watches one microphone outside utterances. Positions are samples at `WIRE_RATE`."""

    def __init__(self, microphone: Track) -> None:
        self.playing = False
        self.echo = EchoGuard()
        self.onset: Onset | None = None
        self._microphone = microphone

    def hear(self, probability: float, settings: TurnSettings, events: list[TurnEvent]) -> Onset | None:
        """Takes the probability of speech in the frame that ends now; returns what has become a turn."""
        now, onset = self._microphone.end, self.onset
        if onset is None:
            if probability < settings.threshold:
                return None
            onset = self.onset = Onset(start=now - HOP_MS * SAMPLES_PER_MS, end=now)
        onset.hear(probability >= settings.release_threshold, now)
        over_answer = self.playing and settings.interrupt_response
        over = onset.silent_ms(now) >= (LONG_GAP_MS if onset.suspected else SHORT_GAP_MS)
        verdict = self._judge(onset, over_answer=over_answer, over=over)
        if verdict is Verdict.SPEECH and not over_answer:
            return self._passed()
        if verdict is Verdict.SPEECH and not over:
            if not onset.suspected:
                onset.suspected = True
                events.append(BargeInSuspected(at_ms=now // SAMPLES_PER_MS))
            if onset.voiced_ms >= self._confirm_ms(onset, settings):
                return self._passed()
        if verdict is Verdict.ECHO or over:
            self.drop(events)
        return None

    def drop(self, events: list[TurnEvent]) -> None:
        """Forgets the sound; the answer goes on."""
        self.release(events)
        self.onset = None

    def release(self, events: list[TurnEvent]) -> None:
        """Ends a suspicion; the sound may still become a turn, but interrupts nothing."""
        if self.onset and self.onset.suspected:
            self.onset.suspected = False
            events.append(BargeInDropped(at_ms=self._microphone.end // SAMPLES_PER_MS))

    def needed_from(self, now: int) -> int:
        """Microphone audio before this position will not be compared any more."""
        since = self.onset.start if self.onset else now
        self.echo.forget(since)
        return since - CONTEXT_MS * SAMPLES_PER_MS

    def _passed(self) -> Onset | None:
        onset, self.onset = self.onset, None
        return onset

    def _judge(self, onset: Onset, *, over_answer: bool, over: bool) -> Verdict:
        """Whose sound it is: compared when it is long enough to matter, again while unclear, and once for good.

        The last word is not the first one's: a short echo that looked like somebody is long enough by then.
        """
        possible = self.echo.possible(onset.start, onset.end)
        last_chance = over and not over_answer
        if onset.voiced_ms < (SUSPECT_MS if over_answer or (possible and not last_chance) else MIN_SPEECH_MS):
            return Verdict.UNSURE
        if not possible:
            return Verdict.SPEECH
        if not onset.decided:
            decisive = last_chance or onset.voiced_ms >= DECIDED_MS
            unclear = onset.verdict is Verdict.UNSURE and onset.voiced_ms - onset.judged_ms >= JUDGE_AGAIN_MS
            if decisive or unclear or onset.judged_ms == 0:
                start = max(onset.start - CONTEXT_MS * SAMPLES_PER_MS, self._microphone.start)
                sound = self._microphone.slice(start, onset.end)
                onset.verdict = self.echo.judge(sound, start, onset.start, decisive=decisive)
                onset.judged_ms, onset.decided = onset.voiced_ms, decisive
        return onset.verdict

    def _confirm_ms(self, onset: Onset, settings: TurnSettings) -> int:
        if onset.voiced_ms < settings.barge_in_confirm_ms:
            return settings.barge_in_confirm_ms
        if onset.confirm_ms is None:
            hum = is_hum(self._microphone.slice(onset.start, onset.end))
            onset.confirm_ms = settings.barge_in_confirm_ms * (2 if hum else 1)
        return onset.confirm_ms
