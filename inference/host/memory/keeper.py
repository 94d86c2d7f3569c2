"""Drives the gate: measures, tells it what has become of engines and sessions, carries out what it decides."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog

from inference.errors import EngineError, EngineRefused, EngineUnavailable
from inference.gate.gate import Gate
from inference.gate.terms import (
    Action,
    Device,
    Expired,
    Granted,
    Load,
    Policy,
    Refused,
    Service,
    Unload,
    Waits,
)
from inference.host.changes import Changes
from inference.host.leases import Asked
from inference.host.memory.looking import Looking
from inference.host.memory.managed import Managed, named
from inference.host.memory.report import gauges, report
from inference.machine import HOST, Machine
from inference.types import MemoryStatus, ServiceLevel

log = structlog.get_logger(__name__)
_LOOK_S = 1.0


class Keeper:
    """The one owner of the machine's memory; of one event loop. Implements `inference.host.speech.terms.Allowance`."""

    def __init__(
        self,
        policy: Policy,
        measure: Callable[[], Machine],
        managed: Iterable[Managed],
        changes: Changes,
        *,
        others: int = 0,
    ) -> None:
        self.managed = {item.declared.engine: item for item in managed}
        self._changes = changes
        devices = [
            Device(name, memory.total, others=0 if name == HOST else others, shared=name == HOST)
            for name, memory in measure().devices.items()
        ]
        self._gate = Gate(policy, devices, [item.declared for item in self.managed.values()])
        self._asked: dict[str, Asked] = {}
        self._looking = Looking(measure, self.managed)
        self._one_look = asyncio.Lock()
        self._ends = 0
        """How often an engine has been ended here."""
        self._ordered: set[str] = set()
        """Engines whose load has been ordered and has not begun."""
        self._in_use: Counter[str] = Counter()
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def sessions(self) -> int:
        return self._gate.places.taken

    @property
    def waiting(self) -> int:
        return self._gate.places.queued

    @property
    def max_sessions(self) -> int:
        return self._gate.policy.places

    @property
    def service(self) -> Service:
        return self._gate.service

    @property
    def status(self) -> MemoryStatus:
        return report(self._gate, self.managed)

    def gauges(self) -> dict[str, float]:
        """For /metrics."""
        return gauges(self.status)

    # What speech asks

    @property
    def _level(self) -> ServiceLevel:
        return self._gate.level

    @property
    def allows_speech(self) -> bool:
        return self._level != "text_only"

    @property
    def allows_clones(self) -> bool:
        return self._level in {"full", "no_fine"}

    async def permit(self, engine: str) -> None:
        """Returns when ``engine`` may be loaded; raises `EngineUnavailable` with the reason."""
        if engine not in self.managed:
            return
        await self.look()
        why = self._gate.permit(_now(), engine)
        self._carry_out()
        if why:
            raise EngineUnavailable(f"There is not enough memory for {engine} now. {why}")

    @asynccontextmanager
    async def using(self, engine: str) -> AsyncIterator[None]:
        """Counts ``engine`` as used for the block; raises `EngineUnavailable` when it is giving way.

        What every conversation needs gives way to nobody, and whoever wants it while it is started again waits.
        """
        account = self._gate.accounts.get(engine)
        if account is None:
            yield
            return
        if account.life == "unloading" and account.declared.role != "core":
            raise EngineUnavailable(f"{engine} gives way: memory is short.")
        self._in_use[engine] += 1
        self._gate.used(_now(), engine)
        try:
            yield
        finally:
            self._in_use[engine] -= 1
            self._gate.used(_now(), engine)

    # Sessions

    @contextmanager
    def ask(self, *, queue: bool) -> Iterator[Asked]:
        """Asks for a session's place, held or waited for until the end of the block."""
        asked = Asked(self._gate.policy.queue_places)
        self._asked[asked.id] = asked
        self._gate.ask(_now(), asked.id, queue=queue)
        try:
            self._carry_out()
            yield asked
        finally:
            del self._asked[asked.id]
            self._gate.leave(_now(), asked.id)
            self._carry_out()
            self._changes.notify()

    def renew(self, lease: str) -> bool:
        """The holder is there; False when it does not hold that place."""
        return self._gate.renew(_now(), lease)

    # Engines, by an operator's word

    async def load(self, name: str) -> None:
        """Raises `EngineUnavailable` when there is no memory for it."""
        item = named(self.managed, name)
        await self.permit(item.declared.engine)
        self._load(item.declared.engine)

    async def unload(self, name: str) -> None:
        item = named(self.managed, name)
        if item.declared.role == "core":
            raise EngineRefused(f"{name} is what every conversation needs: it is not unloaded.")
        engine = item.declared.engine
        self._gate.sync(_now(), engine, "unloading")  # nobody begins to load it before its memory is free
        try:
            await item.unload()
        finally:
            self._gone(engine)

    # The loop

    async def run(self) -> None:
        """Measures and decides every second, until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                while True:
                    await self.look()
                    self._carry_out()
                    await asyncio.sleep(_LOOK_S)
        finally:
            self._tasks = None

    async def look(self) -> None:
        """Measures, and tells the gate: in the order of measuring, and nothing from before an engine's end."""
        async with self._one_look:
            ends = -1
            while ends != self._ends:  # what an engine held that has ended meanwhile would count as other programs'
                ends = self._ends
                for name, item in self.managed.items():
                    if name not in self._ordered:
                        self._gate.sync(_now(), name, item.life)
                measurement = await self._looking.look()
            for name in +self._in_use:
                self._gate.used(_now(), name)
            self._gate.observe(_now(), measurement)

    def _carry_out(self) -> None:
        for action in self._gate.step(_now()):
            self._act(action)

    def _act(self, action: Action) -> None:
        if isinstance(action, Granted | Refused | Waits):
            asked = self._asked.get(action.lease)
            if asked is not None:
                asked.told(action)
            self._changes.notify()
        elif isinstance(action, Expired):
            log.warning("place_expired", lease=action.lease)
            if action.lease in self._asked:
                self._asked[action.lease].lose()
        elif isinstance(action, Unload):
            log.warning("engine_gives_way", engine=action.engine)
            self._order(self._unload(action.engine), f"unload {action.engine}")
        elif isinstance(action, Load):
            log.info("engine_comes_back", engine=action.engine)
            self._load(action.engine)
        else:
            log.warning("service_level", level=action.level, reason=action.reason)
            self._changes.notify()

    def _load(self, engine: str) -> None:
        async def load() -> None:
            self._ordered.discard(engine)
            await self.managed[engine].load()

        if self._tasks is not None:
            self._ordered.add(engine)
            self._order(load(), f"load {engine}")

    async def _unload(self, engine: str) -> None:
        try:
            await self.managed[engine].unload()
        except (EngineError, OSError) as error:
            log.warning("engine_not_unloaded", engine=engine, kind=type(error).__name__)
        self._gone(engine)
        await self.look()  # somebody may wait for just this
        self._carry_out()

    def _gone(self, engine: str) -> None:
        self._ends += 1
        self._looking.forget(engine)
        self._gate.sync(_now(), engine, "absent")

    def _order(self, work: Coroutine[None, None, None], name: str) -> None:
        """Done beside the loop and ended with it; a host that is not running any more carries nothing out."""
        if self._tasks is None:
            work.close()
        else:
            self._tasks.create_task(work, name=name)


def _now() -> float:
    return asyncio.get_running_loop().time()
