"""Which process holds something, in a form by which others on the same machine can tell that it has ended."""

import functools
import os
import socket
from pathlib import Path

_PROC = Path("/proc")


@functools.cache
def _of(pid: int) -> str:
    return f"{_machine()}|{pid}|{_started(pid)}"


def this_process() -> str:
    """This process; another that gets the same number later has another name."""
    return _of(os.getpid())


def has_ended(process: str) -> bool:
    """True only when it is sure: the process was on this very machine (and in this container) and is no more."""
    machine, *rest = process.rsplit("|", 2)
    if machine != _machine() or len(rest) != 2 or not rest[0].isdecimal() or not rest[1]:
        return False
    pid, started = rest
    return _started(int(pid)) != started


def _machine() -> str:
    """This boot of this machine, and this container's numbering of processes; only the name where Linux is not."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str:
    """When it was started, in clock ticks since the boot; empty when there is no such process."""
    try:
        # The second field is the command's name, in parentheses, which may hold anything.
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
