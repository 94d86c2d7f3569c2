"""Long work in the task cluster, one at a time on a machine, so that a worker is left for what must not wait."""

import fcntl
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

from django.conf import settings
from django_q.tasks import async_task

_FILE = "long-task.lock"
_AGAIN_S = 1.0
"""Whose turn it is not keeps its worker so long, then stands in line anew: the queue is not spun through."""
WAITS = "waits for its turn"

P = ParamSpec("P")


def one_at_a_time(task: Callable[Concatenate[str, P], str]) -> Callable[Concatenate[str, P], str]:
    """For a function that the task cluster calls with one text. While another one runs it is put back into the queue.

    The lock ends with its process, however that ends.
    """

    @wraps(task)
    def in_turn(argument: str, /, *args: P.args, **options: P.kwargs) -> str:
        folder = Path(settings.DATA_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _FILE).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_AGAIN_S)
                async_task(f"{task.__module__}.{task.__qualname__}", argument, group="waits", save=False)
                return WAITS
            return task(argument, *args, **options)

    return in_turn
