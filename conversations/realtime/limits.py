"""How much one session may take."""

import time
from collections.abc import Callable

import msgspec

from conversations.realtime.protocol.server_events import RateLimit, RateLimitsUpdated
from inference.env import Environment


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one session, in seconds and events a second."""

    idle_s: float = 600.0
    """Nothing said, typed or answered for so long ends the session."""
    session_s: float = 3600.0
    spoken_answer_s: float = 16.0
    """A spoken answer ends with a sentence before this, unless the client says how long it may be; 0: it does not."""
    responses_per_minute: int = 120
    audio_speed: float = 8.0
    """Sound may come so many times faster than it is spoken ..."""
    audio_burst_s: float = 120.0
    """... once that much of it has come at once."""
    events_per_s: float = 200.0
    event_burst: float = 2000.0
    grace_s: float = 3.0
    """What is said last may take so long to be recorded and sent."""

    @classmethod
    def from_environment(cls) -> "Limits":
        """Raises `inference.env.ConfigurationError` naming the variable."""
        env = Environment()
        return cls(
            idle_s=env.number("AVATAR_SESSION_IDLE_S", 600.0, least=1.0, most=86_400.0),
            session_s=env.number("AVATAR_SESSION_LIMIT_S", 3600.0, least=1.0, most=86_400.0),
            spoken_answer_s=env.number("AVATAR_SPOKEN_ANSWER_S", 16.0, least=0.0, most=3600.0),
        )


class Bucket:
    """A token bucket: ``rate`` a second, at most ``burst`` saved up."""

    def __init__(self, rate: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._now = now
        self._level = burst
        self._at = now()

    def take(self, amount: float = 1.0) -> bool:
        """False when there is not enough; nothing is taken then."""
        self._refill()
        if amount > self._level:
            return False
        self._level -= amount
        return True

    @property
    def level(self) -> float:
        self._refill()
        return self._level

    def _refill(self) -> None:
        now = self._now()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now


class Rates:
    """The buckets of a session."""

    def __init__(self, limits: Limits) -> None:
        self.responses = Bucket(limits.responses_per_minute / 60, limits.responses_per_minute)
        self.audio_s = Bucket(limits.audio_speed, limits.audio_burst_s)
        self.events = Bucket(limits.events_per_s, limits.event_burst)

    def updated(self) -> RateLimitsUpdated:
        """What is left, as the client is told after every response."""
        bucket = self.responses
        limit = RateLimit(
            name="requests",
            limit=int(bucket.burst),
            remaining=int(bucket.level),
            reset_seconds=round((bucket.burst - bucket.level) / bucket.rate, 3),
        )
        return RateLimitsUpdated(rate_limits=(limit,))
