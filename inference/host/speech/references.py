"""References of cloned voices: in memory only, within a bound, and gone at once when they are taken back."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inference.errors import AudioRefused, ReferenceUnknown, VoiceStopped
from inference.types import WIRE_RATE, Reference

_MOST_BYTES = 64 * 1024 * 1024
_MOST_BARRED = 20_000
_IDLE_S = 600.0
"""So long it is kept after its last use: whoever should have taken it back may have been killed."""
_SHORTEST_S, _LONGEST_S = 1.0, 60.0
_MOST_TRANSCRIPT = 2_000

Stop = Callable[[], None]


class References:
    """Of one event loop. The least recently used ones give way; clients send them again when they are needed."""

    def __init__(self, *, most_bytes: int = _MOST_BYTES, idle_s: float = _IDLE_S) -> None:
        self._most_bytes = most_bytes
        self._idle_s = idle_s
        self._used_at: dict[str, float] = {}
        self._looking: asyncio.TimerHandle | None = None
        self._kept: OrderedDict[str, Reference] = OrderedDict()
        self._bytes = 0
        self._barred: OrderedDict[str, None] = OrderedDict()
        self._uses: dict[str, set[Stop]] = {}

    @property
    def kept(self) -> int:
        """How many there are now."""
        return len(self._kept)

    def put(self, reference: Reference) -> None:
        """Keeps it, in place of another of its id; raises `VoiceStopped` when it is barred, `AudioRefused`.

        Needs a running event loop.
        """
        self._refuse_barred(reference.id)
        seconds = len(reference.pcm) / 2 / WIRE_RATE
        if len(reference.pcm) % 2 or not _SHORTEST_S <= seconds <= _LONGEST_S:
            raise AudioRefused(
                f"A reference is {_SHORTEST_S:g} to {_LONGEST_S:g} s of PCM16 mono at {WIRE_RATE} Hz; "
                f"this one has {seconds:.1f} s."
            )
        if not reference.transcript.strip() or len(reference.transcript) > _MOST_TRANSCRIPT:
            raise AudioRefused(f"A reference needs its transcript, of at most {_MOST_TRANSCRIPT} characters.")
        self._drop(reference.id)
        self._kept[reference.id] = reference
        self._bytes += len(reference.pcm)
        self._note_use(reference.id)
        while self._bytes > self._most_bytes and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))

    def get(self, reference_id: str, digest: str) -> Reference:
        """Raises `ReferenceUnknown` when it is not here as this digest says, `VoiceStopped` when it is barred."""
        self._refuse_barred(reference_id)
        found = self._kept.get(reference_id)
        if found is None or found.digest != digest:
            raise ReferenceUnknown("The host has not got this reference. Send it (PUT), then ask again.")
        self._kept.move_to_end(reference_id)
        self._note_use(reference_id)
        return found

    @contextmanager
    def in_use(self, reference_id: str, stop: Stop) -> Iterator[None]:
        """``stop`` is called if the reference is forgotten within the block."""
        self._refuse_barred(reference_id)
        uses = self._uses.setdefault(reference_id, set())
        uses.add(stop)
        try:
            yield
        finally:
            uses.discard(stop)
            if not uses:
                self._uses.pop(reference_id, None)

    def forget(self, reference_id: str) -> int:
        """Drops it, bars its id, and stops whatever is being said with it; how many sentences that were."""
        self._drop(reference_id)
        self._barred[reference_id] = None
        while len(self._barred) > _MOST_BARRED:
            self._barred.popitem(last=False)
        stops = list(self._uses.get(reference_id, ()))
        for stop in stops:
            stop()
        return len(stops)

    def _note_use(self, reference_id: str) -> None:
        loop = asyncio.get_running_loop()
        self._used_at[reference_id] = loop.time()
        if self._looking is None:
            self._looking = loop.call_later(self._idle_s, self._drop_idle)

    def _drop_idle(self) -> None:
        """Drops what nobody has used for long, and looks again when the next one may be due."""
        loop, self._looking = asyncio.get_running_loop(), None
        while self._kept:
            oldest = next(iter(self._kept))
            left_s = self._used_at[oldest] + self._idle_s - loop.time()
            if left_s > 0:
                self._looking = loop.call_later(left_s, self._drop_idle)
                return
            self._drop(oldest)

    def _drop(self, reference_id: str) -> None:
        self._used_at.pop(reference_id, None)
        if (old := self._kept.pop(reference_id, None)) is not None:
            self._bytes -= len(old.pcm)

    def _refuse_barred(self, reference_id: str) -> None:
        if reference_id in self._barred:
            raise VoiceStopped("This voice has been taken back: nothing is said with it any more.")
