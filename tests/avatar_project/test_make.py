"""`make run` and `make test` end with a clear message when something is missing, before anything is installed."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from inference.env import BASE_DIR
from tests.server import free_port


def make(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["make", *arguments], cwd=BASE_DIR, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def bootstrap(root: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs the bootstrap of a copy that is not installed yet."""
    (root / "requirements").mkdir(parents=True, exist_ok=True)
    for name in ("bootstrap.py", "base.txt", "test.txt"):
        (root / "requirements" / name).write_bytes((BASE_DIR / "requirements" / name).read_bytes())
    return subprocess.run(
        [sys.executable, "requirements/bootstrap.py", *arguments],
        cwd=root,
        env=os.environ | {"PIP_CONFIG_FILE": "/dev/null"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_python_3_11_make_says_what_to_install(tmp_path: Path) -> None:
    for name in ("python3.11", "python3"):
        other = tmp_path / name
        other.write_text("#!/bin/sh\nexit 1\n")
        other.chmod(0o755)
    done = make("run", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 2
    assert "AVATAR needs Python 3.11" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_a_taken_port_is_said_at_once() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = make("run", f"PORT={port}", AVATAR_BIND="127.0.0.1")
    assert done.returncode == 2
    assert f"Port {port} is taken by another program" in done.stderr
    assert "make run PORT=8123" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["none", "0", "65536", "8000 8001"])
def test_a_port_that_cannot_be_is_refused(port: str) -> None:
    done = make("run", f"PORT={port}")
    assert done.returncode == 2
    assert (
        "AVATAR_PORT must be a whole number from 1 to 65535" in done.stderr or "unrecognized arguments" in done.stderr
    )


def test_without_a_network_nothing_is_installed_and_it_says_why(tmp_path: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    alone = {"PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
    done = bootstrap(tmp_path, "run", "--port", str(free_port()), **nowhere, **alone)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("The package index cannot be reached, so nothing was installed. Check the network")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".venv" / "installed.json").exists()


def test_too_small_a_disk_is_said_before_installing(tmp_path: Path) -> None:
    script = (
        "import shutil, runpy, sys; shutil.disk_usage = lambda _: shutil._ntuple_diskusage(9, 8, 1 << 20);"
        "sys.argv = ['bootstrap.py', 'test']; runpy.run_path('requirements/bootstrap.py', run_name='__main__')"
    )
    bootstrap(tmp_path, "--help")
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "has 1 MB free, and installing takes about 2500 MB" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_runs_what_a_developer_runs() -> None:
    script = BASE_DIR / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1].endswith("exec make test")
