"""Who holds a place, who waits for one, and how long that may take."""

import msgspec

_FIRST_GUESS_S = 300.0
_SMOOTHING = 0.1


class Held(msgspec.Struct):
    since: float
    renewed: float


class Waiting(msgspec.Struct):
    asked: float
    queued: bool
    """It may wait for a place that somebody leaves; else only for room that is being made."""
    room_is_made: bool = False
    told: int = 0
    """The position that it was told last."""
    told_at: float = 0.0


class Places:
    """Both in the order of arrival: who came first is served first."""

    def __init__(self, queue_places: int) -> None:
        self.held: dict[str, Held] = {}
        self.waiting: dict[str, Waiting] = {}
        self._queue_places = queue_places
        self._usual_s = _FIRST_GUESS_S

    @property
    def taken(self) -> int:
        return len(self.held)

    @property
    def queued(self) -> int:
        return sum(waiting.queued for waiting in self.waiting.values())

    def ask(self, lease: str, now: float, *, queue: bool) -> None:
        self.waiting[lease] = Waiting(now, queued=queue and self.queued < self._queue_places)

    def take(self, lease: str, now: float) -> None:
        del self.waiting[lease]
        self.held[lease] = Held(now, now)

    def renew(self, lease: str, now: float) -> bool:
        held = self.held.get(lease)
        if held is not None:
            held.renewed = now
        return held is not None

    def leave(self, lease: str, now: float) -> None:
        """Ends a hold or a wait; nothing happens when there is none."""
        self.waiting.pop(lease, None)
        held = self.held.pop(lease, None)
        if held is not None:
            self._usual_s += _SMOOTHING * (now - held.since - self._usual_s)

    def silent(self, now: float, lease_s: float) -> list[str]:
        return [lease for lease, held in self.held.items() if now - held.renewed > lease_s]

    def expected_s(self, position: int) -> float | None:
        """Until the place at ``position`` of the queue is served: places are left at the rate of late."""
        if not self.held:
            return None
        return round(position * max(1.0, self._usual_s) / len(self.held), 1)
