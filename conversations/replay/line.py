"""A conversation's line of time: utterances, silences and marks, in milliseconds from the first sound."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from conversations.replay.moments import Moment

LONGEST_PAUSE_MS = 5 * 60_000
"""A longer silence is a break: the person was away, or came back later."""
BREAK_MS = 1500
"""What is left of a break."""
LONGEST_KEPT_MS = 600
"""What is left of a pause where pauses are skipped."""
_LEAST_SILENCE_MS = 50

Who = Literal["user", "reply"]
State = Literal["kept", "unkept", "erased", "none"]
"""Of a sound: there; never stored; taken away; or there was none (typed, or read)."""


class Piece(msgspec.Struct, frozen=True):
    """A stretch of a stored sound, from its ``from_ms`` on, where it was heard."""

    start_ms: int
    end_ms: int
    from_ms: int

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


class Utterance(msgspec.Struct, frozen=True, kw_only=True):
    """What one of the two was heard to say in one go. Without sound it takes no time: it was typed, or read."""

    who: Who
    turn: int
    """The turn's number."""
    turn_id: str
    start_ms: int
    end_ms: int
    audio_id: str = ""
    state: State = "none"
    pieces: tuple[Piece, ...] = ()
    """In order; more than one where the listener waited in the middle of an answer."""
    unheard_ms: int = 0
    """Sound that was sent and not heard: it follows the last piece in the stored sound."""
    complete: bool = True
    exact: bool = True
    """False where the moment is made up from when the fact was recorded: the record is older than moments are."""


class Silence(msgspec.Struct, frozen=True):
    """Nobody was heard. ``lasted_ms``: how long it really was, longer than here where it is skipped or a break."""

    kind: Literal["pause", "break"]
    start_ms: int
    end_ms: int
    lasted_ms: int


class Mark(msgspec.Struct, frozen=True):
    """A fact of the record at its moment; ``turn`` is 0 for one about the conversation as a whole."""

    at_ms: int
    sequence: int
    type: str
    turn: int


class Timeline(msgspec.Struct, frozen=True):
    """``utterances`` in the order of their turns; they overlap where somebody spoke into an answer."""

    began_at: datetime
    duration_ms: int
    utterances: tuple[Utterance, ...]
    silences: tuple[Silence, ...]
    marks: tuple[Mark, ...] = ()


class Placed:
    """Turns, one after the other, moved from Unix time to where they were heard.

    A break, and a turn that the clock has put before an earlier one (it was set, or the conversation was forked),
    closes up.
    """

    def __init__(self) -> None:
        self.utterances: list[Utterance] = []
        self.end = 0
        self._breaks: dict[int, int] = {}
        """Where each begins, and how long it really was."""
        self._spans: dict[str, tuple[int, int]] = {}
        """By turn: where it begins, and how far it was moved."""
        self._last_start = 0

    def add(self, turn: list[Utterance]) -> None:
        """The utterances of one turn, in Unix time."""
        if not turn:
            return
        start = min(utterance.start_ms for utterance in turn)
        shift = self._shift(start)
        moved = [_moved(utterance, shift) for utterance in turn]
        self.utterances += moved
        self._last_start = start + shift
        self._spans[turn[0].turn_id] = self._last_start, shift
        self.end = max(self.end, *(utterance.end_ms for utterance in moved))

    def _shift(self, start: int) -> int:
        if not self._spans:
            return -start
        shift = next(reversed(self._spans.values()))[1]
        if self._last_start <= start + shift <= self.end + LONGEST_PAUSE_MS:
            return shift
        self._breaks[self.end] = max(0, start + shift - self.end)
        return self.end + BREAK_MS - start

    def silences(self) -> tuple[Silence, ...]:
        found: list[Silence] = []
        reached = 0
        pieces = sorted((piece.start_ms, piece.end_ms) for one in self.utterances for piece in one.pieces)
        for start, end in [*pieces, (self.end, self.end)]:
            if start - reached >= _LEAST_SILENCE_MS:
                lasted = next((real for at, real in self._breaks.items() if reached <= at < start), None)
                kind: Literal["pause", "break"] = "pause" if lasted is None else "break"
                found.append(Silence(kind, reached, start, start - reached if lasted is None else lasted))
            reached = max(reached, end)
        return tuple(found)

    def marks(self, moments: Iterable[Moment], numbers: dict[str, int]) -> tuple[Mark, ...]:
        """A fact that was recorded far from its turn (a copy of it) stands where the one before it does."""
        found: list[Mark] = []
        at = shift = 0
        for moment in moments:
            start, shift = self._spans.get(moment.turn_id, (at, shift))
            recorded = unix_ms(moment.recorded_at) + shift
            at = max(at, start, recorded if recorded <= start + LONGEST_PAUSE_MS else 0)
            mark = Mark(min(at, self.end), moment.sequence, moment.type, numbers.get(moment.turn_id, 0))
            found.append(mark)
        return tuple(found)


def _moved(utterance: Utterance, by: int) -> Utterance:
    pieces = tuple(Piece(piece.start_ms + by, piece.end_ms + by, piece.from_ms) for piece in utterance.pieces)
    start, end = utterance.start_ms + by, utterance.end_ms + by
    return msgspec.structs.replace(utterance, start_ms=start, end_ms=end, pieces=pieces)


def shortened(full: Timeline) -> Timeline:
    """Every silence longer than `LONGEST_KEPT_MS` gives up its end, and all that follows moves up."""
    new = _Shorter(full.silences)
    return Timeline(
        full.began_at,
        new(full.duration_ms),
        tuple(_mapped(utterance, new) for utterance in full.utterances),
        tuple(Silence(one.kind, new(one.start_ms), new(one.end_ms), one.lasted_ms) for one in full.silences),
        tuple(msgspec.structs.replace(mark, at_ms=new(mark.at_ms)) for mark in full.marks),
    )


class _Shorter:
    """Where a moment is once pauses are shortened."""

    def __init__(self, silences: Iterable[Silence]) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        self._gone = [0]
        for silence in silences:
            begin = silence.start_ms + LONGEST_KEPT_MS
            if silence.end_ms > begin:
                self._begins.append(begin)
                self._ends.append(silence.end_ms)
                self._gone.append(self._gone[-1] + silence.end_ms - begin)

    def __call__(self, at_ms: int) -> int:
        passed = bisect_right(self._ends, at_ms)
        if passed < len(self._begins):
            at_ms = min(at_ms, self._begins[passed])
        return at_ms - self._gone[passed]


def _mapped(utterance: Utterance, new: _Shorter) -> Utterance:
    pieces = tuple(Piece(new(piece.start_ms), new(piece.end_ms), piece.from_ms) for piece in utterance.pieces)
    start, end = new(utterance.start_ms), new(utterance.end_ms)
    return msgspec.structs.replace(utterance, start_ms=start, end_ms=end, pieces=pieces)


def unix_ms(moment: datetime) -> int:
    """Unix time in milliseconds."""
    return round(moment.timestamp() * 1000)
