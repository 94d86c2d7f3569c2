"""A line of writers, first come first served, across threads and processes, that a killed one simply leaves.

The kernel keeps it, as locks on the bytes of an empty file: byte 0 is held by the one whose turn it is, and everybody
who waits holds the byte numbered with the nanosecond of their arrival. Who has no earlier byte before them is next.
The locks belong to the open file, so each connection is a customer of its own, and end with it.
"""

import contextlib
import fcntl
import os
import struct
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

_FLOCK = struct.Struct("@hhqqi4x")
"""C's ``struct flock`` on 64-bit Linux: type, whence, start, length, process (0 for locks of an open file)."""
_TURN = 0
_PATIENCE_S = 0.5
"""Order is a courtesy: when nobody writes for so long while others are ahead (a process that was stopped while it
waited), they are passed. The database's own lock keeps writers apart."""
_NEXT_LOOKS_EVERY_S = 0.0003
_OTHERS_LOOK_EVERY_S = 0.002
SUPPORTED = hasattr(fcntl, "F_OFD_SETLK")


class Line:
    """One customer. Not for use by two threads at once."""

    def __init__(self, file: Path) -> None:
        """Opens ``file``, made when it is absent. Raises `OSError`."""
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # A thread that ends forgets its connection without closing it.
        self._closing = weakref.finalize(self, os.close, self._descriptor)

    def enter(self, timeout_s: float) -> None:
        """Returns when it is this one's turn, until `leave`. Raises `TimeoutError` after ``timeout_s``."""
        until = time.monotonic() + timeout_s
        with self._place() as place:
            busy_at = time.monotonic()
            while (ahead := self._is_held(_TURN + 1, place - 1)) or not self._take(_TURN):
                now = time.monotonic()
                if now > until:
                    raise TimeoutError(f"Others have been writing for {timeout_s:g} s.")
                if not ahead or self._is_held(_TURN, _TURN):
                    busy_at = now
                elif now - busy_at > _PATIENCE_S and self._take(_TURN):
                    return
                # The next in line must not be late; the others have time, and leave the processor alone.
                time.sleep(_OTHERS_LOOK_EVERY_S if ahead else _NEXT_LOOKS_EVERY_S)

    def leave(self) -> None:
        """Ends the turn; without one it does nothing."""
        self._release(_TURN)

    def close(self) -> None:
        """Leaves, for good. May be called twice."""
        self._closing()

    @contextlib.contextmanager
    def _place(self) -> Iterator[int]:
        place = time.monotonic_ns()
        while not self._take(place):  # Somebody came in the same nanosecond.
            place = time.monotonic_ns()
        try:
            yield place
        finally:
            self._release(place)

    def _take(self, byte: int) -> bool:
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK, byte, 1))
        except (BlockingIOError, PermissionError):  # POSIX allows either for a lock that another holds.
            return False
        return True

    def _release(self, byte: int) -> None:
        fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _flock(fcntl.F_UNLCK, byte, 1))

    def _is_held(self, first: int, last: int) -> bool:
        """Whether another holds any byte from ``first`` to ``last``."""
        request = _flock(fcntl.F_WRLCK, first, last - first + 1)
        answer = fcntl.fcntl(self._descriptor, fcntl.F_OFD_GETLK, request)
        assert isinstance(answer, bytes)
        (kind, *_) = _FLOCK.unpack(answer)
        return bool(kind != fcntl.F_UNLCK)


def _flock(kind: int, start: int, length: int) -> bytes:
    return _FLOCK.pack(kind, os.SEEK_SET, start, length, 0)
