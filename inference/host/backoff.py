"""How long to wait before the next try."""


class Backoff:
    """Doubles from ``first_s`` to ``longest_s``; `reset` after a success."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self.failures = 0

    def failed(self) -> float:
        """Counts a failure; how long to wait after it, in seconds."""
        delay = min(self._longest_s, self._first_s * 2.0 ** min(self.failures, 20))
        self.failures += 1
        return delay

    def reset(self) -> None:
        self.failures = 0
