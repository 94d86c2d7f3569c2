"""The steps before the processes start, each a command of its own so that its memory is given back."""

import contextlib
import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path


class Stop(Exception):
    """Ends the start with a message; an empty one when the step has said it all."""


def run(name: str, command: Sequence[str | Path]) -> None:
    """Runs one step; raises `Stop` when it fails (it has printed why)."""
    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise Stop(f"The step {name!r} could not run: {error}.") from None
    if code in {-2, 130}:
        raise KeyboardInterrupt
    if code:
        raise Stop(f"AVATAR did not start: the step {name!r} failed, as said above.")


@contextlib.contextmanager
def only_one(data_dir: Path, port: int) -> Iterator[None]:
    """Holds this data folder; two AVATARs would write one log and fight over one engine host."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data_dir / "running.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Stop(
            f"The data folder {data_dir} cannot be written: {error.strerror}. "
            "Give this user the right to write there, or set AVATAR_DATA_DIR to another folder."
        ) from None
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            there = lock.read().strip() or "unknown"
            raise Stop(
                f"AVATAR is running already with the data in {data_dir}, on port {there}. "
                "Stop it first, or give this one data of its own: AVATAR_DATA_DIR=/another/folder make run PORT=8123"
            ) from None
        lock.truncate(0)
        lock.write(f"{port}\n")
        lock.flush()
        pid = data_dir / "run.pid"
        pid.write_text(f"{os.getpid()}\n")  # `manage.py bench` sums the memory of this process's tree
        try:
            yield
        finally:
            pid.unlink(missing_ok=True)
