"""What this machine has: cores, memory, GPUs; as the kernel, the container's bounds and NVIDIA's library tell."""

import ctypes
import functools
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil

HOST = "host"
"""The host's memory, as a device among the GPUs."""
_DRIVER = "libnvidia-ml.so.1"
_CGROUPS = (  # bound, use, and the line of memory.stat that names files which can be dropped: version 2, version 1
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)


class Memory(msgspec.Struct, frozen=True):
    """Of one device, in bytes."""

    total: int
    used: int
    """By anybody; what the kernel could give up at once does not count."""

    @property
    def free(self) -> int:
        return self.total - self.used


class Gpu(msgspec.Struct, frozen=True):
    index: int
    name: str
    memory: Memory

    @property
    def device(self) -> str:
        """As torch names it, where CUDA counts the GPUs in the order of their bus (CUDA_DEVICE_ORDER=PCI_BUS_ID)."""
        return f"cuda:{self.index}"


class Machine(msgspec.Struct, frozen=True):
    cores: int
    memory: Memory
    gpus: tuple[Gpu, ...] = ()

    @property
    def devices(self) -> dict[str, Memory]:
        """The memory of every device by its name: ``host``, ``cuda:0`` and on."""
        return {HOST: self.memory, **{gpu.device: gpu.memory for gpu in self.gpus}}


def measure() -> Machine:
    """The machine now. Takes a millisecond; without NVIDIA's driver there are no GPUs."""
    return Machine(cores=len(os.sched_getaffinity(0)), memory=host_memory(), gpus=tuple(gpus()))


def host_memory(cgroups: Path = Path("/sys/fs/cgroup")) -> Memory:
    """The host's memory, or what the container that we are in may have of it."""
    whole = psutil.virtual_memory()
    for bound, use, droppable in _CGROUPS:
        with suppress(OSError, ValueError):
            most = int((cgroups / bound).read_text())
            if most >= whole.total:
                continue
            used = int((cgroups / use).read_text())
            stat = ((cgroups / bound).parent / "memory.stat").read_text()
            cache = next((int(line.split()[1]) for line in stat.splitlines() if line.split()[0] == droppable), 0)
            return Memory(total=most, used=max(0, used - cache))
    return Memory(total=whole.total, used=whole.total - whole.available)


def gpus() -> Iterator[Gpu]:
    """NVIDIA's GPUs; of those that CUDA_VISIBLE_DEVICES names, only these."""
    library = nvml()
    for place, handle in _handles(library):
        with suppress(library.NVMLError):  # a card without memory of its own, or one that has just failed
            memory = library.nvmlDeviceGetMemoryInfo(handle)
            # What the driver itself holds is no free memory either.
            yield Gpu(place, library.nvmlDeviceGetName(handle), Memory(memory.total, memory.total - memory.free))


def gpu_memory_of(pids: frozenset[int]) -> dict[str, int]:
    """What these processes use of each GPU, in bytes by its name; empty where the driver does not tell."""
    used: dict[str, int] = {}
    library = nvml()
    for place, handle in _handles(library):
        with suppress(library.NVMLError):
            processes = library.nvmlDeviceGetComputeRunningProcesses(handle)
            told = [process.usedGpuMemory for process in processes if process.pid in pids]
            if told and None not in told:
                used[f"cuda:{place}"] = sum(told)
    return used


@functools.cache
def nvml() -> Any:
    """NVIDIA's management library, ready for the life of this process; None without a driver."""
    try:
        ctypes.CDLL(_DRIVER)
    except OSError:
        return None
    import pynvml  # noqa: PLC0415 - 14 MB that a machine without a GPU never needs

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def card_number(device: str) -> str:
    """By which CUDA_VISIBLE_DEVICES shows a GPU to another process: we count only those that we are shown ourselves."""
    place, library = int(device.removeprefix("cuda:")), nvml()
    shown: list[int] = []
    if library is not None:
        with suppress(library.NVMLError):
            shown = _visible(library)
    return str(shown[place] if place < len(shown) else place)


def _handles(library: Any) -> Iterator[tuple[int, Any]]:
    if library is None:
        return
    with suppress(library.NVMLError):
        for place, index in enumerate(_visible(library)):
            with suppress(library.NVMLError):
                yield place, library.nvmlDeviceGetHandleByIndex(index)


def _visible(library: Any) -> list[int]:
    """The library's numbers of the cards that CUDA_VISIBLE_DEVICES names, by number or by (the beginning of) UUID."""
    count: int = library.nvmlDeviceGetCount()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return list(range(count))
    parts = [part.strip() for part in named.split(",")]
    by_uuid = _by_uuid(library, count) if any(part.startswith("GPU-") for part in parts) else {}
    numbers: list[int] = []
    for part in parts:
        found = [number for uuid, number in by_uuid.items() if part.startswith("GPU-") and uuid.startswith(part)]
        numbers += [int(part)] if part.isdigit() else found[:1]
    if not numbers and not by_uuid and named.strip() not in {"", "-1"}:
        return list(range(count))  # named in a way that we do not know (MIG): we count them all
    return [number for number in numbers if number < count]


def _by_uuid(library: Any, count: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for number in range(count):
        with suppress(library.NVMLError):
            found[library.nvmlDeviceGetUUID(library.nvmlDeviceGetHandleByIndex(number))] = number
    return found


def memory_of(pids: frozenset[int]) -> int:
    """Host memory of these processes, in bytes: each page counted in parts where it is shared (PSS)."""
    total = 0
    for pid in pids:
        with suppress(psutil.Error, OSError):
            total += psutil.Process(pid).memory_full_info().pss
    return total
