"""The memory gate: who may have memory, who gives way, and when it is given back.

Deterministic: it reads no clock and no device. Whoever drives it (the engine host, the simulation) tells it the time
and what was measured, and carries out what `step` answers.
"""

from collections.abc import Iterable, Iterator

from inference.gate.ledger import Account, Ledger, gigabytes
from inference.gate.places import Places, Waiting
from inference.gate.relief import Relief
from inference.gate.service import Degraded
from inference.gate.terms import (
    Action,
    Declaration,
    Device,
    EngineLife,
    Expired,
    Granted,
    Measurement,
    Policy,
    Refused,
    Service,
    Waits,
)
from inference.types import ServiceLevel

_TELL_S = 5.0
"""How often somebody who waits is told that nothing has changed but the time."""


class Gate:
    """Of all devices of one machine. Who leaves or is silent too long is forgotten; who asks is served in order."""

    def __init__(self, policy: Policy, devices: Iterable[Device], declared: Iterable[Declaration]) -> None:
        self.policy = policy
        self.places = Places(policy.queue_places)
        self.accounts = {declaration.engine: Account(declaration) for declaration in declared}
        self.ledgers = {device.name: Ledger(device, policy, self._on(device.name)) for device in devices}
        self._degraded = Degraded(policy)
        self._relief = Relief(policy, self.accounts, self.ledgers, self._degraded)
        self._told = self._degraded.service

    def _on(self, device: str) -> list[Account]:
        return [account for account in self.accounts.values() if account.declared.device == device]

    @property
    def level(self) -> ServiceLevel:
        return self._degraded.service.level

    @property
    def service(self) -> Service:
        return self._degraded.service

    @property
    def _memory_is_waited_for(self) -> bool:
        """Some session waits, and not only for one of the places to be left."""
        return bool(self.places.waiting) and self.places.taken < self.policy.places

    # What happens

    def observe(self, now: float, measurement: Measurement) -> None:
        for name, account in self.accounts.items():
            used, cache = measurement.engines.get(name), measurement.caches.get(name)
            hidden = name in measurement.hidden
            account.observe(used, cache, now, self.places.taken, self.policy.settle_s, hidden=hidden)
        for name, memory in measurement.devices.items():
            if name in self.ledgers:
                self.ledgers[name].observe(memory, now)

    def sync(self, now: float, engine: str, life: EngineLife) -> None:
        """What has become of an engine. Between `Unload` and its end it counts as leaving whatever it says."""
        account = self.accounts[engine]
        if account.life == life or (account.life == "unloading" and life != "absent"):
            return
        given_up = account.life == "loading" and life == "absent"
        account.begin(life, now)
        if life == "loaded" or given_up:  # what is not there at all is not missing for want of memory
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
        """Whether an engine that is away may be loaded now: empty, then it counts as loading, or why not.

        Fine speech that gave way, or was refused, may be loaded when `step` has given it back, not before.
        """
        account = self.accounts[engine]
        if account.here:
            return ""
        ledger = self.ledgers[account.declared.device]
        room = ledger.room(self.places.taken)
        if account.life == "unloading":
            why = f"{engine} is just being unloaded."
        elif account.declared.role == "fine" and self._degraded.refuses_fine:
            return self._degraded.service.reason  # asking does not put off the moment when it may come back
        elif self._memory_is_waited_for:
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
            *self._relief.relieve(now, self.places.taken),
            *self._relief.come_back(now),
            *self._admit(now),
            *self._refuse(now),
            *self._relief.restore(now, self.places.taken, others_wait=self._memory_is_waited_for),
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
            if self._relief.can_make_room(short, sessions):
                waiting.room_is_made = True
                for name, missing in short.items():
                    missing_still = missing - self.ledgers[name].leaving
                    if missing_still > 0:
                        yield from self._relief.shed(self.ledgers[name], missing_still, now, self.places.taken)
            return  # whoever came later does not overtake

    def _short(self, ledger: Ledger, sessions: int) -> int:
        if all(account.declared.session == 0 for account in ledger.accounts):
            return 0
        return -min(ledger.room(sessions), ledger.firm_room(sessions))

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

    def _tell_positions(self, now: float) -> Iterator[Waits]:
        queued = [(lease, waiting) for lease, waiting in self.places.waiting.items() if waiting.queued]
        for place, (lease, waiting) in enumerate(queued, 1):
            if waiting.told != place or now - waiting.told_at >= _TELL_S:
                waiting.told, waiting.told_at = place, now
                yield Waits(lease, place, self.places.expected_s(place))
