"""One device's memory: what is used, by whom, what is promised and still to come, and how much may be given away."""

import msgspec

from inference.gate.terms import Declaration, Device, EngineLife, Policy
from inference.machine import Memory

_LEAK = 0.05
_LEAK_AT_LEAST = 256 * 1024**2
_LEARNED_MORE = 1.05
"""An engine that has settled needs the most it used until then, and a little."""


class Account(msgspec.Struct):
    """An engine, what it declares, and what it was measured to use."""

    declared: Declaration
    life: EngineLife = "absent"
    again: bool = False
    """It is ended only to be loaded again."""
    measured: int | None = None
    """None: it was not measured since it was loaded, or shares a process with others."""
    hidden: bool = False
    """It has processes, and the driver does not tell what they use."""
    guessed: int = 0
    """While it loads hidden: what the device has come to use since then, as far as nobody else explains it."""
    leaving: int = 0
    """What its end gives back, until that has been seen."""
    used_at: float = 0.0
    loaded_at: float | None = None
    sessions: int = 0
    """The most there were in this life: memory for so many may stay with the engine when they have gone."""
    base: int = 0
    """What it uses now beside its sessions' shares."""
    most: int = 0
    """The most of that until it had settled, in this life."""
    learned: int = 0
    """The same of its last life that settled."""

    @property
    def here(self) -> bool:
        return self.life in {"loading", "loaded"}

    @property
    def need(self) -> int:
        """Without sessions: what it declares, corrected by what was measured."""
        if self.learned:
            return int(self.learned * _LEARNED_MORE)
        return max(self.declared.memory, self.most)

    def expected(self, sessions: int) -> int:
        return max(self.need, self.base) + max(sessions, self.declared.pooled) * self.declared.session

    def to_come(self, sessions: int) -> int:
        """What it was promised and does not use yet."""
        if not self.here and not self.again:
            return 0
        if self.life == "loaded" and self.measured is None:
            return max(0, sessions - self.declared.pooled) * self.declared.session
        return max(0, self.expected(sessions) - (self.measured or self.guessed or self.leaving))

    @property
    def leak(self) -> int:
        """What it uses beyond all that it should; 0 while that is little."""
        more = self.base - self.need if self.life == "loaded" else 0
        return more if more > max(_LEAK_AT_LEAST, self.need * _LEAK) else 0

    def observe(
        self, used: int | None, cache: int | None, now: float, sessions: int, settle_s: float, *, hidden: bool = False
    ) -> None:
        """``used`` by its processes, of which ``cache`` for sessions, where either is known (see `hidden`)."""
        self.hidden = hidden and used is None
        if self.life != "unloading":
            self.leaving = 0
        if self.life == "absent":
            return
        self.measured = used
        if used is None or self.loaded_at is None:
            return
        self.sessions = max(self.sessions, sessions)
        if cache is None:
            cache = max(self.sessions, self.declared.pooled) * self.declared.session
        self.base = max(0, used - cache)
        if now - self.loaded_at < settle_s:
            self.most = max(self.most, self.base)
        elif self.used_at >= self.loaded_at and not self.declared.session:
            self.learned = self.most

    def begin(self, life: EngineLife, now: float) -> None:
        """Its life goes on to ``life``."""
        if life == "unloading":
            self.leaving = self.frees
        elif life == "absent":
            self.measured, self.base = None, 0
        elif life == "loading":
            self.measured, self.loaded_at = None, None
            self.most = self.base = self.sessions = 0
        elif self.life != "loaded":
            self.loaded_at = now
        self.guessed = self.ours if life == "loading" and self.hidden else 0
        self.life = life

    @property
    def frees(self) -> int:
        """What its end gives back."""
        if self.measured is not None:
            return self.measured
        return self.need if self.life == "loaded" else self.guessed

    @property
    def ours(self) -> int:
        """What of the device's use is its; where nobody can tell (a driver that hides it), what it should use."""
        if self.measured is not None:
            return self.measured
        return self.expected(0) if self.life == "loaded" else self.guessed or self.leaving


class Ledger:
    """A device. Whatever grows asks for `room`; sessions, which cannot be taken back, for `firm_room` as well."""

    def __init__(self, device: Device, policy: Policy, accounts: list[Account]) -> None:
        self.device = device
        self.accounts = accounts
        self.limit = int(device.total * policy.ceiling)
        self.margin = int(device.total * policy.margin)
        self.used = 0
        self._remember_s = policy.remember_s
        self._seen: list[tuple[float, int]] = []  # others' use, the highest of the last while first
        self._before = 0
        """What was used by nobody of ours before engines began to load whose use is hidden."""

    def observe(self, memory: Memory, now: float) -> None:
        self.used = memory.used
        self._guess()
        others = self.others_now
        while self._seen and self._seen[-1][1] <= others:
            self._seen.pop()
        self._seen.append((now, others))
        while self._seen[0][0] < now - self._remember_s:
            self._seen.pop(0)

    def _guess(self) -> None:
        """What comes while engines load whose use is hidden is theirs, up to their need: else it would count twice.

        What falls meanwhile was others'. That another program grows just then is seen when the engine has loaded.
        """
        loading = [account for account in self.accounts if account.hidden and account.life == "loading"]
        for account in loading:
            account.guessed = 0
        unknown = self.others_now
        self._before = min(self._before, unknown) if loading else unknown
        for account in loading:
            account.guessed = min(unknown - self._before, account.expected(0))
            unknown -= account.guessed

    @property
    def others_now(self) -> int:
        """What is used here by nobody of ours."""
        return max(0, self.used - sum(account.ours for account in self.accounts))

    @property
    def others_most(self) -> int:
        """What must be left to other programs: what they use, what is kept for them, what they used a while ago."""
        past = 0 if self.device.shared or not self._seen else self._seen[0][1]
        return max(self.others_now, self.device.others, past)

    def projected(self, sessions: int) -> int:
        """What will be used once all that is promised has been taken."""
        return self.used + sum(account.to_come(sessions) for account in self.accounts)

    def room(self, sessions: int) -> int:
        """What may be given away; negative: nothing may, or something has to give way."""
        return self.limit - self.margin - self.projected(sessions)

    def firm_room(self, sessions: int) -> int:
        """The same for what cannot be taken back: what is kept for others is not given to it."""
        firm = sum(
            max(account.expected(sessions), account.measured or 0)
            for account in self.accounts
            if account.declared.role == "core" and (account.here or account.again)
        )
        return self.limit - self.margin - self.others_most - firm

    def over(self, sessions: int) -> int:
        """What has to be unloaded now, above 0."""
        return -self.room(sessions) - self.margin // 2 - self.leaving

    @property
    def leaving(self) -> int:
        """What is about to be free, but for what comes back."""
        return sum(account.leaving for account in self.accounts if not account.again and not account.here)

    def words(self, sessions: int) -> str:
        """For operators."""
        return (
            f"{self.device.name}: {gigabytes(self.projected(sessions))} of {gigabytes(self.limit)} used or promised "
            f"(other programs {gigabytes(self.others_now)}, {sessions} sessions)."
        )


def gigabytes(size: int) -> str:
    return f"{size / 1024**3:.1f} GB"
