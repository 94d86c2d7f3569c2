"""Measures: every device at each look, each engine's processes when enough has changed, or after a while."""

import asyncio
from collections.abc import Callable, Mapping

from inference.gate.terms import Measurement
from inference.host.memory.managed import Managed
from inference.machine import HOST, Machine, Memory, gpu_memory_of, memory_of

_LOOKS_BETWEEN_PROCESSES = 5
"""Reading what a process uses takes some 20 ms for each GB, so it is not done at every look."""
_MUCH = 0.01
"""Of a device: when its use has changed by so much, it matters whose it is."""


class Looking:
    """Blocking reads are done in a thread."""

    def __init__(self, measure: Callable[[], Machine], managed: Mapping[str, Managed]) -> None:
        self._measure = measure
        self._managed = managed
        self._looks = 0
        self._engines: dict[str, int] = {}
        self._read_of: Mapping[str, frozenset[int]] = {}
        """Whose use that is."""
        self._devices: Mapping[str, Memory] = {}
        """As they were when the processes were read."""

    async def look(self) -> Measurement:
        processes = {name: item.pids for name, item in self._managed.items() if item.pids}
        devices = await asyncio.to_thread(lambda: self._measure().devices)
        if self._looks % _LOOKS_BETWEEN_PROCESSES == 0 or self._changed(devices):
            self._engines, self._read_of = await asyncio.to_thread(self._read, processes), processes
            self._devices = devices
        elif new := self._new(processes):
            for name in new:
                self._engines.pop(name, None)
            self._engines |= await asyncio.to_thread(self._read, new)
            self._read_of = {**self._read_of, **new}
        self._looks += 1
        shares = self._shares()
        hidden = frozenset(name for name in processes if name not in shares)
        return Measurement(devices, shares, hidden=hidden)

    def forget(self, engine: str) -> None:
        """It has ended."""
        self._engines.pop(engine, None)

    def _new(self, processes: Mapping[str, frozenset[int]]) -> dict[str, frozenset[int]]:
        """Those of another life than was read, and those whose use could not be read."""
        return {
            name: pids
            for name, pids in processes.items()
            if name not in self._engines or pids.isdisjoint(self._read_of.get(name, ()))
        }

    def _changed(self, devices: Mapping[str, Memory]) -> bool:
        return any(
            abs(memory.used - self._devices[name].used) > memory.total * _MUCH
            for name, memory in devices.items()
            if name in self._devices
        )

    def _read(self, processes: Mapping[str, frozenset[int]]) -> dict[str, int]:
        engines: dict[str, int] = {}
        for name, pids in processes.items():
            device = self._managed[name].declared.device
            used = memory_of(pids) if device == HOST else gpu_memory_of(pids).get(device)
            if used is not None:
                engines[name] = used
        return engines

    def _shares(self) -> dict[str, int]:
        """What each engine uses: measured, or, of those within the host's process, as declared and taken from it."""
        shares = {name: used for name, used in self._engines.items() if self._managed[name].pids}
        for name, item in self._managed.items():
            if item.pids is None and item.declared.memory and item.life == "loaded":
                shares[name] = item.declared.memory
                shares["host"] = max(0, shares.get("host", 0) - item.declared.memory)
        return shares
