"""The user's side: sound in, turns out. Work on a turn begins in its first pause and is kept if the turn ends there."""

import time

import structlog

from conversations.realtime import extras as ex
from conversations.realtime.answering import Answering
from conversations.realtime.attempt import Attempt
from conversations.realtime.ids import new_id
from conversations.realtime.listening.detector import TurnDetector
from conversations.realtime.listening.manual_buffer import BufferTooLarge, ManualBuffer, NothingToCommit
from conversations.realtime.listening.wished import turn_settings
from conversations.realtime.live import Live
from conversations.realtime.playback import seconds
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.settings import ServerVad
from conversations.realtime.turn_events import (
    BargeInConfirmed,
    BargeInDropped,
    BargeInSuspected,
    IdleTimeout,
    PauseLasts,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    SpeechStopped,
    TurnEvent,
)
from conversations.realtime.turns import Turns
from conversations.realtime.utterance import OpenUtterance, for_hearing
from conversations.realtime.waterfall import Turn
from inference.audio.vad import VadModel
from inference.types import WIRE_RATE

log = structlog.get_logger(__name__)
PIECE_BYTES = 2 * WIRE_RATE // 50
"""Sound is heard in pieces of 20 ms, however much of it comes at once: what follows from one piece is done first."""


def _ago(ms: float) -> int:
    """Unix time in milliseconds."""
    return round(time.time() * 1000 - ms)


class Hearing:
    """The microphone of a session, with turn detection or push-to-talk as the settings say."""

    def __init__(self, live: Live, answering: Answering, turns: Turns, vad: VadModel) -> None:
        self._live = live
        self._answering = answering
        self._turns = turns
        detection = live.settings.audio.input.turn_detection
        self._detection = detection
        self._detector = TurnDetector(turn_settings(detection or ServerVad()), vad)
        self._manual = ManualBuffer()
        self._fed_at = time.monotonic()
        self._turn = Turn()
        self._attempt: Attempt | None = None
        self._utterance: OpenUtterance | None = None

    # The microphone's clock, and what it hears of the answer (`listener.Microphone`)

    def now_ms(self) -> float:
        """Sound comes in chunks: the clock goes on between them, but no further than a chunk may be late."""
        return self._detector.position_ms + min(200.0, (time.monotonic() - self._fed_at) * 1000)

    def answer_playing(self, playing: bool) -> None:
        self._detector.answer_playing(playing)

    def played(self, pcm: bytes, at_ms: int) -> None:
        self._detector.played(pcm, at_ms)

    # What the client asks for

    def configure(self) -> None:
        """The settings have changed."""
        self.context_changed()
        detection = self._live.settings.audio.input.turn_detection
        if detection is not None:
            self._detector.configure(turn_settings(detection))
        if (detection is None) != (self._detection is None):
            self._forget()
        self._detection = detection

    def context_changed(self) -> None:
        """An answer that was begun early would not know of it."""
        if self._attempt is not None:
            self._attempt.drop_answer()

    def append(self, pcm: bytes) -> None:
        """PCM16 mono at WIRE_RATE. Raises `ProtocolError` when a push-to-talk buffer is full."""
        if self._detection is None:
            try:
                self._manual.append(pcm)
            except BufferTooLarge as error:
                self._live.outbox.emit(ev.AudioCleared())
                raise ProtocolError("buffer_too_large", str(error), "audio") from None
            return
        self._fed_at = time.monotonic()
        for start in range(0, len(pcm), PIECE_BYTES):
            self._handle(self._detector.feed(pcm[start : start + PIECE_BYTES]))

    def clear(self) -> None:
        self._forget()
        self._live.outbox.emit(ev.AudioCleared())

    def commit(self) -> None:
        """On the client's wish; raises `ProtocolError` when there is nothing to commit."""
        if self._detection is not None:
            stopped = self._detector.commit()
            if stopped is None:
                raise ProtocolError("input_audio_buffer_commit_empty", "Nobody has spoken: there is no utterance.")
            self._handle([stopped])
            return
        try:
            sound = self._manual.commit()
        except NothingToCommit as error:
            raise ProtocolError("input_audio_buffer_commit_empty", str(error)) from None
        turn = Turn(item_id=new_id("item"), speech_end=time.monotonic(), endpoint=time.monotonic())
        turn.began_at_ms = _ago(seconds(len(sound)) * 1000)
        self._turn = turn
        utterance = OpenUtterance(self._live, turn, lambda _: b"")
        self._turns.commit(utterance, sound, Attempt(self._live, for_hearing(sound)), respond=False)

    @property
    def last_turn(self) -> Turn:
        """The turn that an answer asked for by the client belongs to."""
        return self._turn

    def begin_typed(self) -> Turn:
        """A typed message begins a turn."""
        self._turn = Turn()
        return self._turn

    # What the detector tells

    def _handle(self, events: list[TurnEvent]) -> None:
        for event in events:
            match event:
                case SpeechStarted():
                    self._started(event)
                case SpeechPaused():
                    self._paused(event)
                case PauseLasts():
                    if self._attempt is not None and self._attempt.pause == event.pause:
                        self._attempt.judge_again(event.audio)
                case SpeechResumed():
                    self._resumed()
                case SpeechStopped():
                    self._stopped(event)
                case BargeInSuspected():
                    self._hold(True, event.at_ms)
                case BargeInDropped():
                    self._hold(False, event.at_ms)
                case BargeInConfirmed():
                    pass  # `SpeechStarted` came before it and has ended the answer
                case IdleTimeout():
                    self._idle(event)

    def _hold(self, held: bool, at_ms: int) -> None:
        if held:
            self._answering.hold()
        else:
            self._answering.resume()
        log.info("holding", session=self._live.session_id, held=held, at_ms=at_ms)
        self._live.extras.tell(lambda: ex.Holding(held=held, at_ms=at_ms))

    def _started(self, event: SpeechStarted) -> None:
        self._live.touched()
        self._turn = Turn(item_id=new_id("item"))
        self._utterance = OpenUtterance(self._live, self._turn, self._detector.utterance_sound)
        self._live.outbox.emit(ev.SpeechStartedEvent(item_id=self._turn.item_id, audio_start_ms=event.start_ms))
        if self._detection is not None and self._detection.interrupt_response:
            unheard = self._answering.interrupt()
            if unheard is not None:
                self._turns.unanswered(unheard)
        self._turns.began(self._turn)
        self._answering.read_ahead()

    def _paused(self, event: SpeechPaused) -> None:
        self._drop_attempt()
        self._attempt = Attempt(self._live, event.audio, pause=event.pause, witness=self._witness)
        if self._utterance is not None:
            self._utterance.paused()

    def _resumed(self) -> None:
        words = self._attempt.known if self._attempt is not None else None
        if self._utterance is not None:
            self._utterance.resumed(words.text if words is not None else None)
        self._drop_attempt()

    def _witness(self, attempt: Attempt, probability: float | None, text: str | None) -> None:
        """Something is known about the pause: the detector may decide now, and an answer may begin."""
        if attempt is not self._attempt or attempt.pause is None:
            return
        self._detector.set_completion(attempt.pause, probability, text)
        self._handle(self._detector.feed(b""))
        if attempt is not self._attempt or not attempt.convincing:
            return
        if self._utterance is not None:
            self._utterance.settling()
        respond = self._detection is not None and self._detection.create_response
        if respond and self._answering.active is None and self._live.conversation.all_settled:
            attempt.answer_early(self._answering)

    def _stopped(self, event: SpeechStopped) -> None:
        utterance, self._utterance = self._utterance, None
        assert utterance is not None, "Speech stops only after it has started."
        turn = utterance.turn
        turn.endpoint = time.monotonic()
        turn.speech_end = turn.endpoint - max(0.0, self.now_ms() - event.speech_end_ms) / 1000
        turn.began_at_ms = _ago(self.now_ms() - event.start_ms)
        attempt = self._attempt
        self._attempt = None
        if attempt is None or event.pause is None or attempt.pause != event.pause:
            if attempt is not None:
                attempt.drop()
            attempt = Attempt(self._live, for_hearing(event.audio))
        self._live.outbox.emit(ev.SpeechStoppedEvent(item_id=turn.item_id, audio_end_ms=event.end_ms))
        respond = self._detection is not None and self._detection.create_response
        self._turns.commit(utterance, event.audio, attempt, respond=respond)

    def _idle(self, event: IdleTimeout) -> None:
        self._turn = Turn(item_id=new_id("item"))
        self._turns.silent(self._turn, event)

    def _drop_attempt(self) -> None:
        if self._attempt is not None:
            self._attempt.drop()
            self._attempt = None

    def _forget(self) -> None:
        self._drop_attempt()
        if self._utterance is not None:
            self._utterance.dropped()
            self._utterance = None
        self._turns.dropped()
        self._detector.clear()
        self._manual.clear()
