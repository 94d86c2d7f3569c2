"""What the machine has: the host's memory or the container's bound, and GPUs as NVIDIA's library tells them."""

import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from inference import machine
from inference.choice import Placement
from inference.host.speech.build import gpu_environment
from inference.machine import Gpu, Memory

GB = 1024**3


class NVMLError(Exception):
    """As the library raises it."""


def nvml(
    sizes: dict[int, tuple[int, int]], processes: dict[int, dict[int, int | None]] | None = None
) -> types.ModuleType:
    """NVIDIA's library with cards of these sizes: total and free bytes; card 9 has failed."""
    library = types.ModuleType("pynvml")

    def handle(index: int) -> int:
        if index == 9:
            raise NVMLError
        return index

    def info(index: int) -> types.SimpleNamespace:
        total, free = sizes[index]
        return types.SimpleNamespace(total=total, free=free, used=0)

    def running(index: int) -> list[types.SimpleNamespace]:
        there = (processes or {}).get(index, {})
        return [types.SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in there.items()]

    library.__dict__.update(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: max(sizes) + 1,
        nvmlDeviceGetHandleByIndex=handle,
        nvmlDeviceGetUUID=lambda index: f"GPU-{index}f2e4a6c",
        nvmlDeviceGetName=lambda index: f"Card {index}",
        nvmlDeviceGetMemoryInfo=info,
        nvmlDeviceGetComputeRunningProcesses=running,
    )
    return library


@pytest.fixture(autouse=True)
def all_visible(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    machine.nvml.cache_clear()
    yield
    machine.nvml.cache_clear()


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a driver: any library that can be loaded."""
    monkeypatch.setattr(machine, "_DRIVER", "libc.so.6")


def test_without_a_driver_there_are_no_gpus() -> None:
    if machine.measure().gpus:
        pytest.skip("this machine has a GPU")
    measured = machine.measure()
    assert measured.cores == len(os.sched_getaffinity(0))
    assert 0 < measured.memory.used < measured.memory.total
    assert list(measured.devices) == ["host"]
    assert machine.gpu_memory_of(frozenset({1})) == {}


@pytest.mark.usefixtures("driver")
def test_cards_with_what_is_in_use_on_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml({0: (24 * GB, 20 * GB), 1: (80 * GB, 80 * GB)}))
    assert list(machine.gpus()) == [
        Gpu(0, "Card 0", Memory(24 * GB, 4 * GB)),
        Gpu(1, "Card 1", Memory(80 * GB, 0)),
    ]
    assert list(machine.measure().devices) == ["host", "cuda:0", "cuda:1"]


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("1", ["Card 1"]),
        ("1,0", ["Card 1", "Card 0"]),
        ("", []),
        ("-1", []),
        ("7", []),
        ("GPU-1f2e", ["Card 1"]),
        ("GPU-1f2e4a6c,0", ["Card 1", "Card 0"]),
        ("GPU-9", []),
        ("MIG-1f2e", ["Card 0", "Card 1"]),
    ],
)
@pytest.mark.usefixtures("driver")
def test_only_those_that_cuda_shows(visible: str, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml({0: (24 * GB, 20 * GB), 1: (80 * GB, 80 * GB)}))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = list(machine.gpus())
    assert [gpu.name for gpu in found] == names
    assert [gpu.device for gpu in found] == [f"cuda:{place}" for place in range(len(names))]


@pytest.mark.parametrize(
    ("visible", "number"), [(None, "1"), ("2,3", "3"), ("3,0", "0"), ("9,2,1", "1"), ("GPU-2f,GPU-3f", "3")]
)
@pytest.mark.usefixtures("driver")
def test_an_engine_is_shown_the_card_that_was_measured(
    visible: str | None, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(dict.fromkeys(range(4), (24 * GB, 24 * GB))))
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    placed = Placement("f5", "cuda:1", GB)
    assert list(machine.gpus())[1].name == f"Card {number}"
    assert gpu_environment(placed)["CUDA_VISIBLE_DEVICES"] == machine.card_number(placed.device) == number


@pytest.mark.usefixtures("driver")
def test_what_processes_use_of_each_card(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = {0: {10: 3 * GB, 11: GB, 12: GB}, 1: {10: None, 11: GB}}
    library = nvml({0: (24 * GB, 0), 1: (24 * GB, 0)}, processes)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "pynvml", library)
    assert machine.gpu_memory_of(frozenset({10, 11})) == {"cuda:0": 4 * GB}  # of card 1 the driver does not tell


@pytest.mark.usefixtures("driver")
def test_a_card_that_has_failed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml({0: (24 * GB, 20 * GB), 9: (1, 1)}))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,9")
    assert [gpu.name for gpu in machine.gpus()] == ["Card 0"]
    assert machine.gpu_memory_of(frozenset({1})) == {}


@pytest.mark.usefixtures("driver")
def test_a_driver_that_does_not_start_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    library = nvml({0: (GB, GB)})

    def fails() -> None:
        raise NVMLError

    monkeypatch.setattr(library, "nvmlInit", fails)
    monkeypatch.setitem(sys.modules, "pynvml", library)
    assert list(machine.gpus()) == []


def test_a_container_has_what_it_is_bound_to(tmp_path: Path) -> None:
    whole = psutil.virtual_memory().total
    assert machine.host_memory(tmp_path).total == whole  # no bound is known
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.host_memory(tmp_path).total == whole
    (tmp_path / "memory.max").write_text(f"{2 * GB}\n")
    (tmp_path / "memory.current").write_text(f"{GB}\n")
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {GB // 4}\n")
    assert machine.host_memory(tmp_path) == Memory(2 * GB, GB - GB // 4)
    (tmp_path / "memory.max").write_text(f"{whole * 2}\n")
    assert machine.host_memory(tmp_path).total == whole


def test_an_older_kernels_container_too(tmp_path: Path) -> None:
    folder = tmp_path / "memory"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text(f"{GB}\n")
    (folder / "memory.usage_in_bytes").write_text(f"{GB // 2}\n")
    (folder / "memory.stat").write_text("total_inactive_file 0\n")
    assert machine.host_memory(tmp_path) == Memory(GB, GB // 2)


def test_what_our_own_process_uses() -> None:
    ours = machine.memory_of(frozenset({os.getpid()}))
    assert 20 * 1024**2 < ours < psutil.Process().memory_info().rss * 1.1
    assert machine.memory_of(frozenset({2**22 + 1})) == 0
