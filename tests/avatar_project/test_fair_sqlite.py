"""Whoever writes to SQLite waits in line: first come, first served, across threads and processes."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.db.backends.sqlite3 import base
from django.db.transaction import atomic

from avatar_project.fair_sqlite.line import Line
from conversations.log.eventlog import EventLog
from inference.env import BASE_DIR
from tests.conversations.log_helpers import noted

COMMIT_S = 0.05
"""What a commit takes on the slow disk that is simulated here."""
HOLDER = """
import sys
from pathlib import Path
from avatar_project.fair_sqlite.line import Line
line = Line(Path(sys.argv[1]))
line.enter(10)
print("mine", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "database-queue"


@pytest.fixture
def holder(file: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process whose turn it is."""
    command = [sys.executable, "-c", HOLDER, str(file)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=BASE_DIR, text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "mine\n"
        yield process
        process.kill()


def test_who_was_stopped_while_waiting_holds_nobody_up(file: Path) -> None:
    stopped, next_one = Line(file), Line(file)
    with stopped._place():  # It never looks whether it is its turn.
        began = time.monotonic()
        next_one.enter(5)
        assert 0.4 < time.monotonic() - began < 3
        next_one.leave()


def test_turns_come_in_the_order_of_arrival(file: Path) -> None:
    first = Line(file)
    first.enter(1)
    served: list[int] = []

    def customer(number: int) -> None:
        line = Line(file)
        arrived.release()
        line.enter(10)
        served.append(number)
        line.leave()
        line.close()

    arrived = threading.Semaphore(0)
    with ThreadPoolExecutor(8) as pool:
        for number in range(8):
            pool.submit(customer, number)
            assert arrived.acquire(timeout=10)
            time.sleep(0.02)
        assert served == []
        first.leave()
    assert served == list(range(8))


def test_waiting_has_an_end_and_leaves_the_line(file: Path, holder: "subprocess.Popen[str]") -> None:
    line, other = Line(file), Line(file)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        line.enter(0.2)
    assert 0.2 <= time.monotonic() - began < 5
    holder.communicate("")
    other.enter(5)


def test_a_killed_process_holds_up_nobody(file: Path, holder: "subprocess.Popen[str]") -> None:
    threading.Timer(0.2, holder.send_signal, [signal.SIGKILL]).start()
    line = Line(file)
    line.enter(5)
    line.leave()


def test_a_forgotten_line_is_left(file: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    Line(file).enter(1)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    Line(file).enter(1)


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has a line of its own")
    commit = base.DatabaseWrapper._commit  # type: ignore[attr-defined]

    def slowly(self: base.DatabaseWrapper) -> None:
        time.sleep(COMMIT_S)
        commit(self)

    monkeypatch.setattr(base.DatabaseWrapper, "_commit", slowly)


def longest_wait(logs: list[EventLog], appends: int) -> float:
    """Seconds; two callers to each log, each of which appends again as soon as it may."""

    def write(number: int) -> float:
        waits = []
        for value in range(appends):
            began = time.monotonic()
            logs[number % len(logs)].append_now(f"test-{number}", value, [noted(value)])
            waits.append(time.monotonic() - began)
        return max(waits)

    with ThreadPoolExecutor(2 * len(logs)) as pool:
        return max(pool.map(write, range(2 * len(logs))))


@pytest.mark.usefixtures("slow_disk")
def test_no_writer_starves_beside_others_that_write_back_to_back() -> None:
    logs = [EventLog() for _ in range(4)]
    try:
        waited = longest_wait(logs, appends=12)
    finally:
        for log in logs:
            log.close()
    # A turn of every log that was under way, and one turn of every log more: the own one is the last of them.
    assert waited < 3 * 2 * len(logs) * COMMIT_S


@pytest.mark.usefixtures("slow_disk")
def test_what_pages_write_has_its_turn_beside_the_log() -> None:
    logs, waits = [EventLog(), EventLog()], []
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(longest_wait, logs, 30)
        try:
            for number in range(10):
                began = time.monotonic()
                get_user_model().objects.create(username=f"guest-{number}")
                waits.append(time.monotonic() - began)
            assert not writing.done()
        finally:
            writing.result(30)
            for log in logs:
                log.close()
    assert max(waits) < 3 * 3 * COMMIT_S


@pytest.mark.usefixtures("slow_disk")
def test_a_transaction_that_waits_too_long_fails_and_the_next_one_succeeds() -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with atomic():
            held.set()
            release.wait(10)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert held.wait(5)
        connection.ensure_connection()
        connection._wait_s = 0.1  # type: ignore[attr-defined]
        try:
            with pytest.raises(OperationalError, match="locked"):
                get_user_model().objects.create(username="late")
            with pytest.raises(OperationalError, match="locked"), atomic():
                pytest.fail("it is not our turn")
        finally:
            connection._wait_s = 20  # type: ignore[attr-defined]
            release.set()
        holding.result(5)
    get_user_model().objects.create(username="in time")
