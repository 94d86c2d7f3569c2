"""A PostgreSQL server for the tests: one per run, of its own, on a Unix socket in a temporary folder, gone afterwards.

Debian's package also makes a cluster of its own; nothing here looks at it. The server writes as durably as one in
production does (fsync is on), so that what is killed here tells something.
"""

import atexit
import contextlib
import functools
import os
import pwd
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

START_WITHIN_S = 60.0
STOP_WITHIN_S = 20.0
_DEBIAN = Path("/usr/lib/postgresql")


class Missing(Exception):
    """PostgreSQL is not installed, or did not start; the message says why."""


def program(name: str) -> str:
    """Where one of the server's programs is: Debian keeps them out of PATH. Raises `Missing`."""
    versions = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]), reverse=True)
    found = str(versions[0]) if versions else shutil.which(name)
    if not found:
        raise Missing(f"PostgreSQL's {name} is not installed. On Debian: apt-get install postgresql")
    return found


class Server:
    """Use as a context manager."""

    def __init__(self) -> None:
        self._user = _user()
        self.folder = Path(tempfile.mkdtemp(prefix="avatar-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def __enter__(self) -> "Server":
        try:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
            self._run("initdb", "--pgdata", str(self._data), "--username", "avatar", "--auth", "trust", "-E", "UTF8")
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        settings = {
            "unix_socket_directories": str(self.folder),
            "listen_addresses": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "restart_after_crash": "on",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        # Whatever ends the tests ends it too: INT is PostgreSQL's fast shutdown.
        guard = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
        command = [*guard, program("postgres"), "-D", str(self._data), *options]
        with (self.folder / "log").open("ab") as log:
            self._process = self._popen(command, stdout=log, stderr=subprocess.STDOUT)
        until = time.monotonic() + START_WITHIN_S
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                raise Missing(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text(errors='replace')[-4000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait()

    def kill_a_backend(self, chance: random.Random) -> None:
        """SIGKILL to one of those that serve a client; PostgreSQL then ends all of them and recovers."""
        assert self._process is not None
        until = time.monotonic() + START_WITHIN_S
        while True:
            children = psutil.Process(self._process.pid).children()
            serving = [child for child in children if "avatar" in " ".join(_command(child))]
            if serving:
                with contextlib.suppress(psutil.NoSuchProcess):
                    chance.choice(serving).kill()
                    return
            if time.monotonic() > until:
                raise Missing("nobody is connected")
            time.sleep(0.01)

    def is_ready(self) -> bool:
        return self._run("pg_isready", "--host", str(self.folder), "--quiet", check=False) == 0

    def url(self, database: str) -> str:
        return f"postgresql://avatar@/{database}?host={quote(str(self.folder), safe='')}"

    def create_database(self, name: str = "") -> str:
        """Makes an empty database and returns its DATABASE_URL."""
        self._databases += 1
        name = name or f"avatar_{self._databases}"
        self._run("createdb", "--host", str(self.folder), "--username", "avatar", name)
        return self.url(name)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, name: str, *arguments: str, check: bool = True) -> int:
        process = self._popen([program(name), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = process.communicate(timeout=START_WITHIN_S)
        if check and process.returncode:
            raise Missing(f"{name} failed:\n{said.decode(errors='replace')[-4000:]}")
        return int(process.returncode)

    def _popen(self, command: list[str], **options: object) -> "subprocess.Popen[bytes]":
        as_user = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        options |= as_user if os.geteuid() == 0 else {}
        return subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, start_new_session=True, **options)  # type: ignore[call-overload,no-any-return]  # the union of its keywords


def _user() -> pwd.struct_passwd:
    """The server refuses to run as root; the package has made a user for it."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise Missing("There is no user postgres. On Debian: apt-get install postgresql") from None


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


@functools.cache
def server() -> Server:
    """The run's server, started with the first call. Raises `Missing`."""
    running = Server().__enter__()
    atexit.register(running.__exit__)
    return running


@pytest.fixture
def own_postgresql() -> Iterator[Server]:
    """A server of the test's own, which it may kill."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(Server())
