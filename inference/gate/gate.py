"""The memory gate: who may have memory, who gives way, and when it is given back.

Deterministic: it reads no clock and no device. Whoever drives it (the engine host, the simulation) tells it the time
and what was measured, and carries out what `step` answers.
"""

from collections.abc import Iterable, Iterator

from inference.gate.ledger import Account, Ledger, gigabytes
from inference.gate.places import Places, Waiting
from inference.gate.service import Degraded
from inference.gate.terms import (
    SHED_ORDER,
    Action,
    Declaration,
    Device,
    EngineLife,
    Expired,
    Granted,
    Load,
    Measurement,
    Policy,
    Refused,
    Role,
    Service,
    Unload,
    Waits,
)
from inference.types import ServiceLevel

_TELL_S = 5.0
"""How often somebody who waits is told that nothing has changed but the time."""
_IDLE_S = 30.0
_GRAVE_LEAK = 0.1
"""Of a device: an engine that has leaked so much is started again even while it is used."""


class Gate:
    """Of all devices of one machine. Who leaves or is silent too long is forgotten; who asks is served in order."""

    def __init__(self, policy: Policy, devices: Iterable[Device], declared: Iterable[Declaration]) -> None:
        self.policy = policy
        self.places = Places(policy.queue_places)
        self.accounts = {declaration.engine: Account(declaration) for declaration in declared}
        self.ledgers = {device.name: Ledger(device, policy, self._on(device.name)) for device in devices}
        self._degraded = Degraded(policy)
        self._told = self._degraded.service

    def _on(self, device: str) -> list[Account]:
        return [account for account in self.accounts.values() if account.declared.device == device]

    @property
    def level(self) -> ServiceLevel:
        return self._degraded.service.level

    @property
    def service(self) -> Service:
        return self._degraded.service

    # What happens

    def observe(self, now: float, measurement: Measurement) -> None:
        for name, account in self.accounts.items():
            used, cache = measurement.engines.get(name), measurement.caches.get(name)
            account.observe(used, cache, now, self.places.taken, self.policy.settle_s)
        for name, memory in measurement.devices.items():
            if name in self.ledgers:
                self.ledgers[name].observe(memory, now)

    def sync(self, now: float, engine: str, life: EngineLife) -> None:
        """What has become of an engine. Between `Unload` and its end it counts as leaving whatever it says."""
        account = self.accounts[engine]
        if account.life == life or (account.life == "unloading" and life != "absent"):
            return
        account.begin(life, now)
        if life == "loaded":
            self._degraded.back(engine)

    def used(self, now: float, engine: str) -> None:
        """Somebody spoke with it: what was used longest ago gives way first."""
        self.accounts[engine].used_at = now

    def ask(self, now: float, lease: str, *, queue: bool = False) -> None:
        """Somebody wants a session's place; `step` answers `Granted`, `Waits` or `Refused`."""
        self.places.ask(lease, now, queue=queue)

    def renew(self, now: float, lease: str) -> bool:
        """Its holder is there; False when the place is not held."""
        return self.places.renew(lease, now)

    def leave(self, now: float, lease: str) -> None:
        self.places.leave(lease, now)

    def permit(self, now: float, engine: str) -> str:
        """Whether an engine that is away may be loaded now: empty, then it counts as loading, or why not."""
        account = self.accounts[engine]
        if account.here:
            return ""
        ledger = self.ledgers[account.declared.device]
        room = ledger.room(self.places.taken)
        if account.life == "unloading":
            why = f"{engine} is just being unloaded."
        elif self.places.waiting:
            why = "Sessions wait for memory."
        elif room < account.need:
            why = f"It needs {gigabytes(account.need)}; {ledger.words(self.places.taken)}"
        else:
            account.begin("loading", now)
            account.used_at = now
            return ""
        if account.declared.role == "fine":
            self._degraded.refuse_fine(why)
        return why

    # What follows

    def step(self, now: float) -> tuple[Action, ...]:
        """What is to be done now."""
        actions = [
            *self._expire(now),
            *self._relieve(now),
            *self._come_back(now),
            *self._admit(now),
            *self._refuse(now),
            *self._restore(now),
            *self._tell_positions(now),
        ]
        if self._degraded.service.level != self._told.level:
            self._told = self._degraded.service
            actions.append(self._told)
        return tuple(actions)

    def _expire(self, now: float) -> Iterator[Action]:
        for lease in self.places.silent(now, self.policy.lease_s):
            self.places.leave(lease, now)
            yield Expired(lease)

    def _relieve(self, now: float) -> Iterator[Action]:
        sessions = self.places.taken
        for ledger in self.ledgers.values():
            for account in ledger.accounts:
                if self._shall_restart(ledger, account, now):
                    account.again = True
                    account.begin("unloading", now)
                    yield Unload(account.declared.engine)
            over = ledger.over(sessions)
            if over > 0:
                yield from self._shed(ledger, over, now)

    def _shall_restart(self, ledger: Ledger, account: Account, now: float) -> bool:
        leak = account.leak
        if not leak or not account.declared.restarts:
            return False
        idle = self.places.taken == 0 if account.declared.role == "core" else now - account.used_at > _IDLE_S
        return idle or leak > ledger.device.total * _GRAVE_LEAK

    def _shed(self, ledger: Ledger, short: int, now: float) -> Iterator[Unload]:
        """Unloads in order until ``short`` bytes are about to be free."""
        why = ledger.words(self.places.taken)
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

    def _come_back(self, now: float) -> Iterator[Load]:
        for name, account in self.accounts.items():
            if account.again and account.life == "absent":
                account.again = False
                account.begin("loading", now)
                yield Load(name)

    def _admit(self, now: float) -> Iterator[Action]:
        for lease, waiting in list(self.places.waiting.items()):
            waiting.room_is_made = False
            if self.places.taken >= self.policy.places:
                return
            sessions = self.places.taken + 1
            short = {name: self._short(ledger, sessions) for name, ledger in self.ledgers.items()}
            if all(missing <= 0 for missing in short.values()):
                self.places.take(lease, now)
                yield Granted(lease)
                continue
            if self._can_make_room(short, sessions):
                waiting.room_is_made = True
                for name, missing in short.items():
                    missing_still = missing - self.ledgers[name].leaving
                    if missing_still > 0:
                        yield from self._shed(self.ledgers[name], missing_still, now)
            return  # whoever came later does not overtake

    def _short(self, ledger: Ledger, sessions: int) -> int:
        if all(account.declared.session == 0 for account in ledger.accounts):
            return 0
        return -min(ledger.room(sessions), ledger.firm_room(sessions))

    def _can_make_room(self, short: dict[str, int], sessions: int) -> bool:
        for name, missing in short.items():
            ledger = self.ledgers[name]
            if missing > 0 and ledger.firm_room(sessions) < 0:
                return False
            gives = sum(account.frees for role in SHED_ORDER for account in _least_recent(ledger, role))
            if missing > ledger.leaving + gives:
                return False
        return True

    def _refuse(self, now: float) -> Iterator[Action]:
        for lease, waiting in list(self.places.waiting.items()):
            longest = self._patience(waiting)
            if now - waiting.asked >= longest:
                self.places.leave(lease, now)
                yield Refused(lease, self._why_full(waiting))

    def _patience(self, waiting: Waiting) -> float:
        if waiting.queued:
            return self.policy.queue_wait_s
        return self.policy.patience_s if waiting.room_is_made else 0.0

    def _why_full(self, waiting: Waiting) -> str:
        if waiting.queued:
            return "No place became free in time. Try again later."
        if self.places.taken >= self.policy.places:
            return f"All {self.policy.places} places are taken. Try again when a conversation has ended."
        if self.places.waiting:
            return "Others wait for a place already. Try again when a conversation has ended."
        return "There is not enough memory for another conversation now. Try again when one has ended."

    def _restore(self, now: float) -> Iterator[Action]:
        role = self._degraded.next_back
        if role is None:
            return
        lost = self._degraded.lost(role) or [
            name for name, account in self.accounts.items() if account.declared.role == role and not account.here
        ]
        if self.places.waiting or not self._has_room_for(lost):
            self._degraded.wait_again()
        elif self._degraded.has_waited(now):
            for name in lost:
                account = self.accounts[name]
                if account.declared.on_demand:
                    self._degraded.back(name)
                elif account.life == "absent":
                    account.begin("loading", now)
                    yield Load(name)
            if role == "fine":
                self._degraded.allow_fine()

    def _has_room_for(self, engines: list[str]) -> bool:
        for name, ledger in self.ledgers.items():
            back = [self.accounts[engine] for engine in engines if self.accounts[engine].declared.device == name]
            need = sum(account.need for account in back if not account.here)
            if back and ledger.room(self.places.taken) < need + ledger.device.total * self.policy.hysteresis:
                return False
        return True

    def _tell_positions(self, now: float) -> Iterator[Waits]:
        queued = [(lease, waiting) for lease, waiting in self.places.waiting.items() if waiting.queued]
        for place, (lease, waiting) in enumerate(queued, 1):
            if waiting.told != place or now - waiting.told_at >= _TELL_S:
                waiting.told, waiting.told_at = place, now
                yield Waits(lease, place, self.places.expected_s(place))


def _least_recent(ledger: Ledger, role: Role) -> list[Account]:
    """Those that could be unloaded, the one that was used longest ago first."""
    here = [account for account in ledger.accounts if account.here and account.declared.role == role]
    return sorted(here, key=lambda account: account.used_at)
