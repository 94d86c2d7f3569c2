"""Everything started and ended together, for real: `python -m avatar_project.launch` as `make run` starts it."""

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from inference.env import BASE_DIR
from tests.server import free_port

pytestmark = [pytest.mark.server, pytest.mark.models]
READY_WITHIN_S = 120.0


class Running:
    """One launcher and what it prints."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.port = port
        self.lines: list[str] = []
        self._news: queue.Queue[str | None] = queue.Queue()
        environment = os.environ | {"AVATAR_DATA_DIR": str(data_dir), "AVATAR_PORT": str(port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "avatar_project.launch"],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, name="launcher's output")
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._news.put(line.rstrip("\n"))
        self._news.put(None)

    def wait_for(self, pattern: str, within_s: float = READY_WITHIN_S) -> str:
        """The first new line that fits; fails when the output ends or the time is over."""
        deadline = time.monotonic() + within_s
        while True:
            line = self._news.get(timeout=max(0.01, deadline - time.monotonic()))
            if line is None:
                pytest.fail(f"ended without {pattern!r}:\n" + "\n".join(self.lines))
            self.lines.append(line)
            if re.search(pattern, line):
                return line

    def child(self, words: str) -> psutil.Process:
        """The process whose command line has these words."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            if words in " ".join(process.cmdline()):
                return process
        pytest.fail(f"no process {words!r}")

    def stop(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=40)
        self._reader.join()
        while (line := self._news.get()) is not None:
            self.lines.append(line)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("running")


@pytest.fixture
def start(data_dir: Path) -> Iterator[Callable[[], Running]]:
    started: list[Running] = []

    def begin() -> Running:
        started.append(Running(data_dir, free_port()))
        return started[-1]

    yield begin
    for running in started:
        if running.process.poll() is None:
            running.stop(signal.SIGTERM)


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def becomes(truth: Callable[[], bool], within_s: float = READY_WITHIN_S) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if truth():
            return True
        time.sleep(0.1)
    return False


def test_it_starts_survives_a_dead_engine_host_and_ends_as_one(start: Callable[[], Running]) -> None:
    running = start()
    running.wait_for("First administrator: admin")
    assert running.wait_for("AVATAR is ready: open").split()[4] == f"http://localhost:{running.port}/"
    assert healthy(running.port)
    everything = psutil.Process(running.process.pid).children(recursive=True)

    web, engines = running.child("daphne").pid, running.child("engine host")
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        engines.kill()
        assert becomes(lambda: not healthy(running.port), 10)
        assert becomes(lambda: healthy(running.port))
        # The web server is the same process, and a connection made before is still good.
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert running.child("daphne").pid == web
    everything += psutil.Process(running.process.pid).children(recursive=True)

    assert running.stop(signal.SIGINT) == 0
    assert not [process for process in everything if process.is_running()]
    assert "Traceback" not in "\n".join(running.lines)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", running.port))


def test_the_second_start_asks_and_tells_nothing_new(start: Callable[[], Running]) -> None:
    running = start()
    running.wait_for("AVATAR is ready: open")
    assert not [line for line in running.lines if "Password" in line or "Fresh keys" in line or "applying" in line]

    second = start()
    second.wait_for(rf"AVATAR is running already .* on port {running.port}")
    assert second.process.wait(timeout=30) == 1
    second.stop()

    # A launcher that is killed takes everything along.
    everything = psutil.Process(running.process.pid).children(recursive=True)
    running.process.kill()
    _, alive = psutil.wait_procs(everything, timeout=30)
    assert not alive
    running.stop()
