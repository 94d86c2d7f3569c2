"""Stands between the host and an engine: ``keeper.py GRACE_S COMMAND...``.

It starts the command and ends it, with everything that the command started, as soon as its own standard input ends:
that happens when the host says so and when the host is gone, however it went. Only the standard library, for it runs
beside every engine (8 MB); it mirrors the command's end in its own.
"""

import ctypes
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_OOM_SCORE = "500"
"""When memory runs out the kernel takes an engine, which is started again, rather than the host or the record."""
_PRIVATE = 0o077


def main() -> None:
    grace_s, command = float(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None)
    # Orphans of the command become our children, so none can hide by leaving its parent.
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_inheritable(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    child = _start(command, libc)
    status = _watch(child, woken)
    if status is None:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
        status = _within(child, grace_s)
    _end_family(child)
    _end_as(status)


def _start(command: list[str], libc: ctypes.CDLL) -> int:
    # Its standard input never has anything, and ends with us: one more way to learn that it is to end.
    stdin, _held = os.pipe()
    child = os.fork()
    if child:
        return child
    try:
        os.setpgid(0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.umask(_PRIVATE)  # its socket is for this user alone
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
        os.dup2(stdin, 0)
        os.execvp(command[0], command)  # noqa: S606 - the command is ours
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _watch(child: int, woken: int) -> int | None:
    """The child's wait status once it has ended; None when standard input ended first."""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
        status = _reap(child)
        if status is not None:
            return status
        if 0 in ready and not os.read(0, 4096):
            return None


def _within(child: int, grace_s: float) -> int | None:
    until = time.monotonic() + grace_s
    while time.monotonic() < until:
        status = _reap(child)
        if status is not None:
            return status
        time.sleep(0.02)
    return None


def _reap(child: int) -> int | None:
    """Takes the ends of all that have ended; the child's wait status if it is among them."""
    found = None
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                found = status
            if not pid:
                break
    return found


def _end_family(child: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    try:
        while True:
            for pid in _children():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if not pid:
                time.sleep(0.01)
    except ChildProcessError:
        return


def _children() -> list[int]:
    with suppress(OSError):
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()]
    return []


def _end_as(status: int | None) -> None:
    if status is not None and os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) if status is not None else 0)


if __name__ == "__main__":
    main()
