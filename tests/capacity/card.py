"""The true memory of a simulated card: who holds how much, growing in straight lines, known at every moment."""

from collections.abc import Callable


class Card:
    """Between two changes everything grows in straight lines, so looking at the changes alone misses no peak."""

    def __init__(self, total: int, limit: int, clock: Callable[[], float]) -> None:
        self.total = total
        self.limit = limit
        self.highest = 0.0
        self.over_s = 0.0
        """For how long more than ``limit`` was in use."""
        self._clock = clock
        self._at = 0.0
        self._held: dict[str, float] = {}
        self._rates: dict[str, float] = {}
        self._used = 0.0
        self._rate = 0.0

    @property
    def used(self) -> int:
        self._settle()
        return round(self._used)

    def held(self, holder: str) -> int:
        self._settle()
        return round(self._held.get(holder, 0.0))

    def take(self, holder: str, amount: float) -> None:
        """At once; negative gives back."""
        self._settle()
        self._held[holder] = self._held.get(holder, 0.0) + amount
        self._used += amount
        self._note()

    def grow(self, holder: str, rate: float) -> None:
        """Takes ``rate`` bytes a second more than before; negative for less."""
        self._settle()
        self._held.setdefault(holder, 0.0)
        self._rates[holder] = self._rates.get(holder, 0.0) + rate
        self._rate += rate

    def free(self, holder: str) -> None:
        """Gives back everything, and grows no more."""
        self._settle()
        self._used -= self._held.pop(holder, 0.0)
        self._rate -= self._rates.pop(holder, 0.0)

    def _settle(self) -> None:
        now = self._clock()
        passed, self._at = now - self._at, now
        if not passed:
            return
        before = self._used
        for holder, rate in self._rates.items():
            self._held[holder] += rate * passed
        self._used += self._rate * passed
        above = max(before, self._used) - self.limit
        if above > 0:
            span = abs(self._used - before)
            self.over_s += passed if min(before, self._used) > self.limit or not span else passed * min(1, above / span)
        self._note()

    def _note(self) -> None:
        self.highest = max(self.highest, self._used)
