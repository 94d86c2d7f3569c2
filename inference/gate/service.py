"""What people cannot have for want of memory, and when they may have it again."""

from inference.gate.terms import Policy, Role, Service
from inference.types import ServiceLevel

_LEVELS: tuple[tuple[Role, ServiceLevel], ...] = (("voice", "text_only"), ("clone", "no_clones"), ("fine", "no_fine"))
"""The gravest first, which is also what comes back first."""


class Degraded:
    """Engines that were unloaded for want of memory, by role; and whether fine speech is refused."""

    def __init__(self, policy: Policy) -> None:
        self._hold_s = policy.hold_s
        self._shed: dict[str, Role] = {}
        self._fine_refused = False
        self._reason = ""
        self._room_since: float | None = None

    @property
    def next_back(self) -> Role | None:
        """What comes back next, when there is room for it."""
        for role, _ in _LEVELS:
            if role in self._shed.values() or (role == "fine" and self._fine_refused):
                return role
        return None

    @property
    def service(self) -> Service:
        role = self.next_back
        return Service(dict(_LEVELS)[role], self._reason) if role else Service("full", "")

    @property
    def refuses_fine(self) -> bool:
        return self._fine_refused

    def lost(self, role: Role) -> list[str]:
        return [engine for engine, its in self._shed.items() if its == role]

    def shed(self, engine: str, role: Role, reason: str) -> None:
        self._shed[engine] = role
        self._fine_refused = self._fine_refused or role == "fine"
        self._reason = reason
        self._room_since = None

    def refuse_fine(self, reason: str) -> None:
        if self.next_back is None:
            self._reason = reason
        self._fine_refused = True
        self._room_since = None

    def allow_fine(self) -> None:
        self._fine_refused = "fine" in self._shed.values()

    def back(self, engine: str) -> None:
        """It is loaded again, or may be."""
        if self._shed.pop(engine, None) is not None:
            self._room_since = None

    def wait_again(self) -> None:
        """There is no room just now."""
        self._room_since = None

    def has_waited(self, now: float) -> bool:
        """There is room now; True once there has been for long enough."""
        if self._room_since is None:
            self._room_since = now
        return now - self._room_since >= self._hold_s
