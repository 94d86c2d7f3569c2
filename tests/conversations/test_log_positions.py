"""Whoever follows the positions misses nothing and sees nothing twice, however many append at once."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from conversations.log import store
from conversations.log.eventlog import EventLog
from conversations.log.models import Head
from conversations.log.threads import Threads
from conversations.log.verify import verify
from inference.env import BASE_DIR
from tests.conversations.log_helpers import database_url, noted

pytestmark = pytest.mark.django_db(transaction=True)

APPENDS = 25
"""Of each of the eight writers, two events each time."""
PATIENCE_S = 60.0
"""Enough for a slow disk: what is told here is an order, not a speed."""
PROCESS = """
import sys
import django
django.setup()
from tests.conversations.test_log_positions import write_twice
write_twice(int(sys.argv[1]))
"""


@contextmanager
def followed() -> Iterator[Callable[[], list[int]]]:
    """Reads on and on; gives what returns, at the end, all positions in the order in which they were seen."""
    done, seen, reader = threading.Event(), list[int](), Threads("test")

    def follow() -> list[int]:
        ended = False
        while not ended:
            ended = done.is_set()
            seen.extend(event.position for event in store.read_all(seen[-1] if seen else 0))
        return seen

    def positions() -> list[int]:
        done.set()
        return following.result(PATIENCE_S)

    try:
        following = reader.submit(follow)
        yield positions
    finally:
        done.set()
        reader.close()


def write(log: EventLog, writer: int) -> None:
    for value in range(APPENDS):
        log.append_now(f"test-{writer % 3}", None, [noted(value), noted(-value)])


def write_twice(number: int) -> None:
    """What one of the processes does: two writers of one log."""
    log = EventLog(timeout_s=PATIENCE_S)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, [log, log], [number, number + 1]))
    log.close()


def is_whole(positions: list[int]) -> None:
    expected = 8 * APPENDS * 2
    assert positions == list(range(1, expected + 1))
    assert sum(Head.objects.values_list("sequence", flat=True)) == expected
    assert verify().breaks == []


def test_eight_writers_in_threads() -> None:
    """Four logs, as four processes would have them, two callers each."""
    with followed() as positions, ThreadPoolExecutor(4) as pool:
        list(pool.map(write_twice, range(0, 8, 2)))
        is_whole(positions())


def test_eight_writers_in_processes() -> None:
    """Four processes, two callers each."""
    environment = {**os.environ, "DATABASE_URL": database_url()}
    command = [sys.executable, "-c", PROCESS]
    with followed() as positions:
        started = [subprocess.Popen([*command, str(n)], cwd=BASE_DIR, env=environment) for n in range(0, 8, 2)]
        assert [process.wait(2 * PATIENCE_S) for process in started] == [0, 0, 0, 0]
        is_whole(positions())
