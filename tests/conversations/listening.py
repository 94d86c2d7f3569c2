"""For tests of listening: voices, rooms, a microphone in virtual time, and a voice activity model that is told.

Time is the number of samples fed: nothing waits, and every run is the same.
"""

import functools
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from conversations.realtime.listening.detector import TurnDetector
from conversations.realtime.listening.settings import TurnSettings
from conversations.realtime.turn_events import TurnEvent
from inference.audio.vad import FRAME_MS, Samples, VadModel
from inference.engines.hibari import HibariEngine
from inference.types import WIRE_RATE

Sound = npt.NDArray[np.int16]
MS = WIRE_RATE // 1000
CHUNK = 20 * MS


class ToldVad:
    """Hears speech in the stretches (milliseconds) that it is told, whatever the sound is."""

    def __init__(self, *speech: tuple[int, int]) -> None:
        self._speech = speech
        self._at_ms = 0

    def stream(self) -> "ToldVad":
        return ToldVad(*self._speech)

    def probability(self, frame: Samples) -> float:
        middle = self._at_ms + FRAME_MS // 2
        self._at_ms += FRAME_MS
        return 0.95 if any(start <= middle < end for start, end in self._speech) else 0.02


def silence(ms: int, level: float = 2.0) -> Sound:
    """A quiet room: no microphone gives zeros."""
    return np.random.default_rng(ms).normal(0, level, ms * MS).astype(np.int16)


@functools.cache
def assistant(text: str, speed: float = 1.0) -> Sound:
    """The embedded American voice, without the silence around it, at a usual loudness."""
    return _trimmed(_said("hibari-us", text, speed))


@functools.cache
def user(text: str) -> Sound:
    """Somebody else: the embedded British pronunciation, slowed down so that pitch and formants fall by a quarter."""
    fast = _said("hibari-gb", text, speed=1.3).astype(np.float64)
    slow = np.interp(np.arange(0, len(fast), 0.77), np.arange(len(fast)), fast)
    return _trimmed(slow)


def mixed(*parts: tuple[int, Sound | npt.NDArray[np.float64]], length_ms: int = 0) -> Sound:
    """Sounds laid over each other, each from its millisecond on, in a quiet room of at least this length."""
    end = max([length_ms * MS, *(at * MS + len(sound) for at, sound in parts)])
    total = silence(-(-end // MS)).astype(np.float64)
    for at, sound in parts:
        total[at * MS : at * MS + len(sound)] += sound
    return np.clip(np.rint(total), -32768, 32767).astype(np.int16)


def echo(sound: Sound, decibels: float, *, room: bool = False, telephone: bool = False) -> npt.NDArray[np.float64]:
    """What comes back from an open speaker: attenuated, and by choice through a room or a narrow band."""
    back = sound.astype(np.float64)
    if room:
        n = WIRE_RATE * 3 // 10
        path = np.random.default_rng(7).normal(0, 1, n) * 10 ** (-3 * np.arange(n) / n)
        path *= 0.6 / np.sqrt(np.sum(path**2))
        path[0] += 1.0
        size = len(back) + n
        back = np.fft.irfft(np.fft.rfft(back, size) * np.fft.rfft(path, size), size)
    if telephone:
        spectrum = np.fft.rfft(back)
        spectrum[int(len(spectrum) * 3_400 / (WIRE_RATE / 2)) :] = 0
        back = np.fft.irfft(spectrum, len(back))
    return back * 10 ** (decibels / 20)


class Session:
    """A detector and what it said. Things to do happen at their millisecond of microphone time."""

    def __init__(self, vad: VadModel, settings: TurnSettings | None = None) -> None:
        self.detector = TurnDetector(settings or TurnSettings(), vad)
        self.events: list[tuple[int, TurnEvent]] = []
        """With the microphone time at which each came."""
        self._to_do: list[tuple[int, Callable[[], object]]] = []

    def at(self, ms: int, action: Callable[[], object]) -> None:
        self._to_do.append((ms, action))

    def answer(self, sound: Sound, at_ms: int) -> None:
        """An answer is played from then on, in pieces as the server sends them."""
        self.at(at_ms, lambda: self.detector.answer_playing(True))
        for start in range(0, len(sound), WIRE_RATE // 5):
            piece = sound[start : start + WIRE_RATE // 5].tobytes()
            begin = at_ms + start // MS
            self.at(begin, lambda piece=piece, begin=begin: self.detector.played(piece, begin))  # type: ignore[misc]
        self.at(at_ms + len(sound) // MS, lambda: self.detector.answer_playing(False))

    def hear(self, sound: Sound, chunk: int = CHUNK) -> "Session":
        """Feeds all of it, ``chunk`` samples at a time."""
        self._to_do.sort(key=lambda entry: entry[0])
        for start in range(0, len(sound), chunk):
            while self._to_do and self._to_do[0][0] * MS <= start:
                self._to_do.pop(0)[1]()
            self._note(self.detector.feed(sound[start : start + chunk].tobytes()))
        return self

    def _note(self, events: Iterable[TurnEvent]) -> None:
        self.events += [(self.detector.position_ms, event) for event in events]

    def of(self, *kinds: type) -> Sequence[TurnEvent]:
        return [event for _, event in self.events if isinstance(event, kinds)]

    def when(self, kind: type) -> list[int]:
        return [at for at, event in self.events if isinstance(event, kind)]

    @property
    def names(self) -> list[str]:
        return [type(event).__name__ for _, event in self.events]


@functools.cache
def _hibari() -> HibariEngine:
    engine = HibariEngine()
    engine.load(lambda _: None)
    return engine


def _said(voice: str, text: str, speed: float = 1.0) -> npt.NDArray[np.float64]:
    pcm = b"".join(_hibari().synthesize(text, voice=voice, language="en", speed=speed))
    return np.frombuffer(pcm, np.int16).astype(np.float64)


def _trimmed(sound: npt.NDArray[np.float64]) -> Sound:
    sound = sound / np.abs(sound).max() * 16_000
    loud = np.flatnonzero(np.abs(sound) > 250)
    return np.rint(sound[loud[0] : loud[-1] + 1]).astype(np.int16)
