"""How much memory everything that `make run` started takes: PSS, so that shared pages count once."""

import time
from pathlib import Path

import msgspec

PROC = Path("/proc")


class MemorySample(msgspec.Struct, frozen=True):
    at_s: float
    pss_mb: float
    processes: int


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                # The name in parentheses may hold spaces; the parent is the second field behind it.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue  # it ended while we looked
            children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        found.append(queue.pop())
        queue += children.get(found[-1], [])
    return found


def pss_kb(pid: int) -> int:
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        return 0
    return 0


def sample(root: int) -> MemorySample:
    pids = tree(root)
    return MemorySample(time.monotonic(), sum(map(pss_kb, pids)) / 1024, len(pids))


def slope_mb_per_min(samples: list[MemorySample], warm_up_share: float = 0.2) -> float | None:
    """Least-squares slope after the warm-up share of the samples; None with fewer than three left."""
    kept = samples[int(len(samples) * warm_up_share) :]
    if len(kept) < 3:
        return None
    mean_t = sum(s.at_s for s in kept) / len(kept)
    mean_m = sum(s.pss_mb for s in kept) / len(kept)
    spread = sum((s.at_s - mean_t) ** 2 for s in kept)
    return 60 * sum((s.at_s - mean_t) * (s.pss_mb - mean_m) for s in kept) / spread if spread else None
