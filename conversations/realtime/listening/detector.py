"""When does a turn begin, pause and end, and when is an answer interrupted? Time is counted in samples, never read."""

import numpy as np

from conversations.realtime.listening.gate import Gate
from conversations.realtime.listening.onset import HOP_MS, SAMPLES_PER_MS, Onset
from conversations.realtime.listening.resample import Downsampler
from conversations.realtime.listening.settings import TurnSettings
from conversations.realtime.listening.track import Track
from conversations.realtime.listening.utterance import PAUSE_MS, Utterance
from conversations.realtime.turn_events import (
    BargeInConfirmed,
    IdleTimeout,
    PauseLasts,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    SpeechStopped,
    TurnEvent,
)
from inference.audio.vad import VadModel

HOP = HOP_MS * SAMPLES_PER_MS
"""Samples at `WIRE_RATE` that are judged at once."""


class TurnDetector:
    """Turns of one microphone. Synchronous; the same audio gives the same events however it is cut into chunks.

    Positions are samples at `WIRE_RATE` since the session began. Not for two threads at once.
    """

    def __init__(self, settings: TurnSettings, vad: VadModel) -> None:
        self._settings = settings
        self._vad = vad.stream()
        self._downsampler = Downsampler()
        self._wire = Track()
        self._stt = Track()
        self._odd = b""
        self._hop_end = HOP
        self._utterance: Utterance | None = None
        self._free_from = 0  # audio before it belongs to an earlier turn or was cleared
        self._pauses = 0
        self._answered_at: int | None = None
        self._gate = Gate(self._wire)
        self._pending: list[TurnEvent] = []

    @property
    def position_ms(self) -> int:
        """Microphone audio fed so far: the clock of all events and of `played`."""
        return self._wire.end // SAMPLES_PER_MS

    def feed(self, pcm: bytes) -> list[TurnEvent]:
        """pcm: PCM16 mono at `WIRE_RATE`, any number of bytes. Nothing (``b""``) asks for what is due by now."""
        events, self._pending = self._pending, []
        data = self._odd + pcm if self._odd else pcm
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        rest = memoryview(data)[:whole]
        self._fire(events)
        while rest:
            step = 2 * (self._next_stop() - self._wire.end)
            self._wire.append(rest[:step])
            rest = rest[step:]
            if self._wire.end == self._hop_end:
                self._hop_end += HOP
                self._judge_frame(events)
            self._fire(events)
        self._forget()
        return events

    def configure(self, settings: TurnSettings) -> None:
        """Takes new settings at once; an open utterance stays open and is ended by them."""
        self._settings = settings
        if not settings.interrupt_response:
            self._gate.release(self._pending)

    def set_completion(self, pause: int, probability: float | None, text: str | None = None) -> None:
        """What is known of `SpeechPaused` ``pause``: Smart Turn's probability, and its transcript as soon as there is.

        Each may come alone and first; None leaves what is known. A pause that is over is ignored. The decision falls
        with the next audio, or with ``feed(b"")`` at once.
        """
        utterance = self._utterance
        if utterance is None or utterance.pause != pause:
            return
        if probability is not None:
            utterance.probability = probability
        if text is not None:
            utterance.text = text

    def answer_playing(self, playing: bool) -> None:
        """An answer is audible from now on, or no longer.

        Speech still under suspicion when the answer ends interrupts nothing any more: the suspicion is dropped, the
        speech is the user's turn ("yes" into the last syllable is heard).
        """
        if self._gate.playing and not playing:
            self._answered_at = self._wire.end
            self._gate.release(self._pending)
        elif playing:
            self._answered_at = None
        self._gate.playing = playing

    def played(self, pcm: bytes, at_ms: int) -> None:
        """What the listener hears from ``at_ms`` on: PCM16 mono at `WIRE_RATE`; replaces what was to follow."""
        self._gate.echo.played(pcm, at_ms * SAMPLES_PER_MS)

    def clear(self) -> None:
        """Drops the open utterance, if any, and all audio before now."""
        self._gate.drop(self._pending)
        self._utterance = None
        self._free_from = self._wire.end
        self._forget()

    def commit(self) -> SpeechStopped | None:
        """Ends the open utterance now; None when nobody is speaking (there is nothing to commit)."""
        return self._stop() if self._utterance else None

    def utterance_sound(self, after: int = 0) -> bytes:
        """The open utterance from its byte ``after`` on, PCM16 mono at `WIRE_RATE`; empty when nobody speaks."""
        utterance = self._utterance
        return self._wire.slice(utterance.start + after // 2, self._wire.end) if utterance else b""

    # Time

    def _next_stop(self) -> int:
        """The next position at which something may happen without more to hear."""
        due = [self._hop_end, *(at for at in self._deadlines() if at > self._wire.end)]
        return min(due)

    def _deadlines(self) -> list[int]:
        found: list[int | None] = []
        if self._utterance:
            found = [self._utterance.cut_at, self._utterance.over_at(self._settings)]
        elif self._answered_at is not None and self._settings.idle_timeout_ms is not None:
            found = [self._answered_at + self._settings.idle_timeout_ms * SAMPLES_PER_MS]
        return [at for at in found if at is not None]

    def _fire(self, events: list[TurnEvent]) -> None:
        now = self._wire.end
        if not any(at <= now for at in self._deadlines()):
            return
        utterance = self._utterance
        if utterance:
            speaking = utterance.pause is None
            events.append(self._stop())
            if speaking:
                self._utterance = Utterance(start=now, speech_start=now, speech_end=now)
                events.append(SpeechStarted(start_ms=now // SAMPLES_PER_MS))
        elif self._gate.onset is None and self._answered_at is not None:
            start, self._answered_at = self._answered_at, None
            events.append(IdleTimeout(start_ms=start // SAMPLES_PER_MS, end_ms=now // SAMPLES_PER_MS))

    # Hearing

    def _judge_frame(self, events: list[TurnEvent]) -> None:
        now = self._wire.end
        wire = np.frombuffer(self._wire.slice(now - HOP, now), np.int16).astype(np.float32)
        frame = self._downsampler.feed(wire)
        self._stt.append(np.clip(np.rint(frame), -32768, 32767).astype(np.int16).tobytes())
        probability = self._vad.probability(frame / np.float32(32768))
        if self._utterance:
            self._go_on(self._utterance, probability, events)
        elif onset := self._gate.hear(probability, self._settings, events):
            self._go_on(self._begin(onset, events), probability, events)

    def _go_on(self, utterance: Utterance, probability: float, events: list[TurnEvent]) -> None:
        now = self._wire.end
        threshold = self._settings.release_threshold if utterance.pause is None else self._settings.threshold
        utterance.stirring = self._settings.release_threshold <= probability < threshold
        if probability >= threshold:
            utterance.speech_end = now
            if utterance.pause is not None:
                events.append(SpeechResumed(pause=utterance.pause))
                utterance.resume()
        elif utterance.pause is None and now - utterance.speech_end >= self._pause_samples():
            self._pauses += 1
            utterance.pause = self._pauses
            events.append(
                SpeechPaused(
                    pause=self._pauses,
                    speech_end_ms=utterance.speech_end // SAMPLES_PER_MS,
                    audio=self._so_far(utterance),
                )
            )
        elif utterance.pause is not None and self._settings.fixed_silence_ms is None and utterance.lasts(now):
            utterance.lasting = True
            events.append(PauseLasts(pause=utterance.pause, audio=self._so_far(utterance)))

    def _so_far(self, utterance: Utterance) -> bytes:
        return self._stt.slice(utterance.start * 2 // 3, self._stt.end)

    def _pause_samples(self) -> int:
        fixed = self._settings.fixed_silence_ms
        return SAMPLES_PER_MS * (HOP_MS if fixed is not None and fixed < PAUSE_MS else PAUSE_MS)

    def _begin(self, onset: Onset, events: list[TurnEvent]) -> Utterance:
        start = max(onset.start - self._settings.prefix_padding_ms * SAMPLES_PER_MS, self._free_from)
        self._utterance = Utterance(start=start, speech_start=onset.start, speech_end=onset.end)
        self._answered_at = None
        events.append(SpeechStarted(start_ms=start // SAMPLES_PER_MS))
        if onset.suspected:
            events.append(BargeInConfirmed(at_ms=self.position_ms))
        return self._utterance

    def _stop(self) -> SpeechStopped:
        utterance, now = self._utterance, self._wire.end
        if utterance is None:
            raise RuntimeError("There is no utterance to stop.")
        self._utterance, self._free_from = None, now
        return SpeechStopped(
            start_ms=utterance.start // SAMPLES_PER_MS,
            end_ms=now // SAMPLES_PER_MS,
            speech_end_ms=utterance.speech_end // SAMPLES_PER_MS,
            audio=self._wire.slice(utterance.start, now),
            pause=utterance.pause,
        )

    def _forget(self) -> None:
        """Outside an utterance only the prefix padding is kept, and what an echo may be compared with."""
        frame = self._hop_end - HOP
        if self._utterance:
            first = self._utterance.start
        else:
            onset = self._gate.onset
            padding = self._settings.prefix_padding_ms * SAMPLES_PER_MS
            first = max((onset.start if onset else frame) - padding, self._free_from)
        first = min(first, frame)
        self._stt.trim(first * 2 // 3)
        self._wire.trim(min(first, self._gate.needed_from(frame)))
