"""The real processes for tests: web server and engine host on free loopback ports, with a data directory of their own.

The fixture ``stack`` is both, ready for a conversation and shared by a whole run; `Stack` starts more of them, with
other settings, and kills and restarts the web process.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
START_WITHIN_S = 120.0
POLL_S = 0.05


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class DidNotStart(Exception):
    """A process ended, or did not answer in time; the message ends with its log."""


class Stack:
    """Web server and engine host. Use as a context manager; ``environment`` adds to the processes' own."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str] | None = None, *, engines: bool = True) -> None:
        self.data_dir = data_dir
        self.with_engines = engines
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "AVATAR_DATA_DIR": str(data_dir),
            "AVATAR_PORT": str(self.port),
            "AVATAR_BIND": "127.0.0.1",
            "AVATAR_ENGINE_URL": f"unix:{data_dir / 'engine.sock'}",
            "AVATAR_SECRET_KEY": secrets.token_urlsafe(40),
            "DJANGO_SETTINGS_MODULE": "avatar_project.settings",
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Stack":
        self.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            if self.with_engines:
                self.start_engines()
            self.manage("migrate", "--verbosity", "0")
            self.start_web()
            if self.with_engines:
                self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def manage(self, *arguments: str) -> str:
        """Runs ``manage.py`` in this installation and returns what it printed."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DidNotStart(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start_engines(self) -> None:
        self._start("engines", [sys.executable, "-m", "inference.host"])

    def start_web(self) -> None:
        """Starts the web server on the same port, and returns when it answers."""
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port)]
        self._start("web", [*command, "avatar_project.asgi:application"])
        self._wait("web", self._answers)

    def wait_ready(self) -> None:
        """Returns once a conversation can start."""
        self._wait("engines", lambda: self.health()[0] == 200)

    def health(self) -> tuple[int, dict[str, object]]:
        """Status and body of ``GET /health``."""
        try:
            with urllib.request.urlopen(f"{self.base_url}/health", timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def stop_web(self) -> None:
        """SIGTERM: the server says good-bye to everybody."""
        self._end("web", signal.SIGTERM)

    def kill_web(self) -> None:
        """SIGKILL: no good-bye to anybody."""
        self._end("web", signal.SIGKILL)

    def kill_engines(self) -> None:
        self._end("engines", signal.SIGKILL)

    def pid(self, name: str) -> int:
        """Of ``web`` or ``engines``."""
        return self._processes[name].pid

    def log(self, name: str) -> str:
        """What ``web`` or ``engines`` has written so far."""
        return (self.data_dir / f"{name}.log").read_text(errors="replace")

    def stop(self) -> None:
        for name in list(self._processes):
            self._end(name, signal.SIGTERM)

    def _start(self, name: str, command: list[str]) -> None:
        with (self.data_dir / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, env=self.environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def _end(self, name: str, how: signal.Signals) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # Whatever it had started is in its process group (a model's child process, after SIGKILL).
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def _wait(self, name: str, done: object) -> None:
        assert callable(done)
        until = time.monotonic() + START_WITHIN_S
        while not done():
            if self._processes[name].poll() is not None:
                raise DidNotStart(f"{name} ended:\n{self.log(name)[-4000:]}")
            if time.monotonic() > until:
                raise DidNotStart(f"{name} was not there after {START_WITHIN_S:g} s:\n{self.log(name)[-4000:]}")
            time.sleep(POLL_S)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running installation for tests that leave it as they found it."""
    with Stack(tmp_path_factory.mktemp("stack")) as running:
        yield running
