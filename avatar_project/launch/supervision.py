"""Runs supervisord with the three processes, says when a conversation can start, and ends all of them together."""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from avatar_project.launch.ports import Place

CONFIGURATION = Path(__file__).with_name("supervisord.conf")
LOOK_EVERY_S = 0.25
LOOK_EVERY_S_LATER = 2.0
STOP_WITHIN_S = 25.0
REMIND_AFTER_S = 20.0
_FATAL = 200
"""supervisord's number for a process that it has given up."""


class Supervision:
    """One run of everything. ``run`` returns the exit code: 0 after Ctrl-C or SIGTERM, 1 when the start failed."""

    def __init__(self, place: Place, data_dir: Path) -> None:
        self._place = place
        self._data_dir = data_dir
        self._secret = secrets.token_hex(16)
        self._stopping = threading.Event()

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        with tempfile.TemporaryDirectory(prefix="avatar-") as folder, self._supervisord(Path(folder)) as daemon:
            relay = threading.Thread(target=_relay, args=(daemon,), name="relay", daemon=True)
            relay.start()
            code = self._watch(daemon, Path(folder) / "control")
            self._end(daemon)
            relay.join(timeout=2)
        return code

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    @contextlib.contextmanager
    def _supervisord(self, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
        # A killed parent takes its children along: nothing is left behind holding the port or the models.
        setpriv = shutil.which("setpriv")
        die_with_parent = [setpriv, "--pdeathsig", "TERM"] if setpriv else ["env"]
        environment = os.environ | {
            "AVATAR_RUN_DIR": str(folder),
            "AVATAR_RUN_SECRET": self._secret,
            "AVATAR_RUN_USER": str(os.getuid()),
            "AVATAR_RUN_WITH": " ".join(die_with_parent),
            "AVATAR_RUN_PYTHON": sys.executable,
            "AVATAR_RUN_BIND": self._place.bind,
            "AVATAR_RUN_PORT": str(self._place.port),
            "AVATAR_PORT": str(self._place.port),
            "PYTHONUNBUFFERED": "1",
        }
        command = [*die_with_parent, sys.executable, "-m", "supervisor.supervisord", "-c", str(CONFIGURATION)]
        # A session of its own: Ctrl-C reaches this process alone, which then ends the others in order.
        daemon = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
        try:
            yield daemon
        finally:
            if daemon.poll() is None:
                self._end(daemon)
            if daemon.stdout is not None:
                daemon.stdout.close()

    def _watch(self, daemon: "subprocess.Popen[bytes]", control: Path) -> int:
        """Waits for readiness, says it, then waits for the end."""
        began, reminded, ready = time.monotonic(), False, False
        while not self._stopping.wait(LOOK_EVERY_S if not ready else LOOK_EVERY_S_LATER):
            if daemon.poll() is not None:
                return _failed("The process manager ended by itself, and everything with it. Start again: make run")
            if (name := self._given_up(control)) is not None:
                return _failed(f"AVATAR stops: its process {name!r} ends again and again; its last words are above.")
            if ready:
                continue
            ready, detail = self._health()
            if ready:
                print(f"\nAVATAR is ready: open {self._place.address}   (Ctrl-C stops it)", flush=True)
            elif not reminded and time.monotonic() - began > REMIND_AFTER_S:
                reminded = True
                print(f"Still starting: {detail}", flush=True)
        print("Stopping.", flush=True)
        return 0

    def _health(self) -> tuple[bool, str]:
        """Whether a conversation can start, and what is missing."""
        url, headers = self._place.probe
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(url, headers=headers)  # noqa: S310  (our own address)
        try:
            with opener.open(request, timeout=5) as answer:
                return answer.status == http.HTTPStatus.OK, ""
        except urllib.error.HTTPError as error:
            with error:
                return False, _described(error.read())
        except (OSError, http.client.HTTPException):
            return False, "the web server does not answer yet"

    def _given_up(self, control: Path) -> str | None:
        """The name of a process that supervisord has given up, if any."""
        if not control.exists():
            return None
        transport = SupervisorTransport("avatar", self._secret, f"unix://{control}")
        try:
            states: Any = xmlrpc.client.ServerProxy(
                "http://127.0.0.1", transport=transport
            ).supervisor.getAllProcessInfo()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return None
        return next((str(state["name"]) for state in states if state["state"] == _FATAL), None)

    def _end(self, daemon: "subprocess.Popen[bytes]") -> None:
        daemon.terminate()
        try:
            daemon.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _failed(message: str) -> int:
    print(message, file=sys.stderr, flush=True)
    return 1


def _relay(daemon: "subprocess.Popen[bytes]") -> None:
    """Passes on what the processes print, line by line, through this process's own output.

    Goes on reading when nobody listens any more (``make run | head``): a full pipe would stop the processes.
    """
    assert daemon.stdout is not None
    with contextlib.suppress(ValueError, OSError):
        for line in daemon.stdout:
            with contextlib.suppress(OSError):
                sys.stdout.buffer.write(line)
                sys.stdout.flush()


def _described(body: bytes) -> str:
    """What `/health` says is missing."""
    try:
        health = json.loads(body)
        waiting = [f"{e['model'] or e['kind']} is {e['state']} {e['detail']}" for e in health.get("engines", [])
                   if e["state"] != "ready"]  # fmt: skip
        return str(health.get("detail") or ", ".join(waiting) or health.get("status"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the web server answers, but not with its health"
