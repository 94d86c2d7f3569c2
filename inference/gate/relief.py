"""What gives way when memory is short, in which order, and how it comes back."""

from collections.abc import Iterator, Mapping

from inference.gate.ledger import Account, Ledger
from inference.gate.service import Degraded
from inference.gate.terms import SHED_ORDER, Load, Policy, Role, Unload

_IDLE_S = 30.0
_GRAVE_LEAK = 0.1
"""Of a device: an engine that has leaked so much is started again even while it is used."""


class Relief:
    """Of all devices; ``degraded`` keeps what people cannot have meanwhile."""

    def __init__(
        self, policy: Policy, accounts: Mapping[str, Account], ledgers: Mapping[str, Ledger], degraded: Degraded
    ) -> None:
        self._policy = policy
        self._accounts = accounts
        self._ledgers = ledgers
        self._degraded = degraded

    def relieve(self, now: float, sessions: int) -> Iterator[Unload]:
        """Restarts what leaks, and unloads until every device is below its ceiling again."""
        for ledger in self._ledgers.values():
            for account in ledger.accounts:
                if self._shall_restart(ledger, account, now, sessions):
                    account.again = True
                    account.begin("unloading", now)
                    yield Unload(account.declared.engine)
            over = ledger.over(sessions)
            if over > 0:
                yield from self.shed(ledger, over, now, sessions)

    def _shall_restart(self, ledger: Ledger, account: Account, now: float, sessions: int) -> bool:
        leak = account.leak
        if not leak or not account.declared.restarts:
            return False
        idle = now - account.used_at > _IDLE_S and (sessions == 0 or account.declared.role != "core")
        return idle or leak > ledger.device.total * _GRAVE_LEAK

    def shed(self, ledger: Ledger, short: int, now: float, sessions: int) -> Iterator[Unload]:
        """Unloads in order until ``short`` bytes are about to be free."""
        why = ledger.words(sessions)
        for role in SHED_ORDER:
            # Voices go together, and so does what clones (an engine without the watermark, say, is of no use).
            for account in _least_recent(ledger, role):
                if short <= 0 and role == "fine":
                    return
                short -= account.frees
                account.begin("unloading", now)
                self._degraded.shed(account.declared.engine, role, why)
                yield Unload(account.declared.engine)
            if short <= 0:
                return

    def come_back(self, now: float) -> Iterator[Load]:
        """Loads what was ended only for that."""
        for name, account in self._accounts.items():
            if account.again and account.life == "absent":
                account.again = False
                account.begin("loading", now)
                yield Load(name)

    def can_make_room(self, short: Mapping[str, int], sessions: int) -> bool:
        """Whether ``short`` bytes of each device can be had for the last of ``sessions``."""
        for name, missing in short.items():
            ledger = self._ledgers[name]
            if missing > 0 and ledger.firm_room(sessions) < 0:
                return False
            gives = sum(account.frees for role in SHED_ORDER for account in _least_recent(ledger, role))
            if missing > ledger.leaving + gives:
                return False
        return True

    def restore(self, now: float, sessions: int, *, others_wait: bool) -> Iterator[Load]:
        """Loads again what gave way, one step at a time, once there has been room for a while and nobody waits."""
        role = self._degraded.next_back
        if role is None:
            return
        lost = self._degraded.lost(role) or [
            name for name, account in self._accounts.items() if account.declared.role == role and not account.here
        ]
        if others_wait or not self._has_room_for(lost, sessions):
            self._degraded.wait_again()
        elif self._degraded.has_waited(now):
            for name in lost:
                account = self._accounts[name]
                if account.declared.on_demand:
                    self._degraded.back(name)
                elif account.life == "absent":
                    account.begin("loading", now)
                    yield Load(name)
            if role == "fine":
                self._degraded.allow_fine()

    def _has_room_for(self, engines: list[str], sessions: int) -> bool:
        for name, ledger in self._ledgers.items():
            back = [self._accounts[engine] for engine in engines if self._accounts[engine].declared.device == name]
            need = sum(account.need for account in back if not account.here)
            if back and ledger.room(sessions) < need + ledger.device.total * self._policy.hysteresis:
                return False
        return True


def _least_recent(ledger: Ledger, role: Role) -> list[Account]:
    """Those that could be unloaded, the one that was used longest ago first."""
    here = [account for account in ledger.accounts if account.here and account.declared.role == role]
    return sorted(here, key=lambda account: account.used_at)
