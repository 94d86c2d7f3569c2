"""What `make run` and `make test` do before any package is there: the environment in .venv, from pinned packages.

Only the standard library, and nothing of the project, since neither is installed yet. It then hands over to
`python -m avatar_project.launch` or `requirements/checks.py`, in the environment it made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MARKS = VENV / "installed.json"
"""Which pinned sets are installed, by their SHA-256: what lets the second start skip pip."""
NO_NETWORK = "from versions: none|NewConnectionError|ConnectTimeout|ProxyError|name resolution|unreachable|SSLError"
"""What pip says when no index answers."""
ROOM_MB = {"run": 1500, "test": 2500, "packages": 100}
PIP_WHEEL = "pip-26.1-py3-none-any.whl"
PIP_SHA256 = "4e8486d821d814b77319acb7b9e8bf5a4ee7590a643e7cb21029f209be8573c1"


class Stop(Exception):
    """Ends with a message: what happened, what it means, what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description="`make run` and `make test`.")
    parser.add_argument("command", choices=("run", "test", "packages"))
    parser.add_argument("sets", nargs="*", help="with `packages`: which of requirements/*.txt to install, no more")
    parser.add_argument("--port", default=os.environ.get("AVATAR_PORT", ""))
    arguments = parser.parse_args()
    try:
        if arguments.command == "run":
            if arguments.port:
                os.environ["AVATAR_PORT"] = arguments.port
            refuse_taken_port()
            install(["base.txt"], ROOM_MB["run"])
            hand_over("-m", "avatar_project.launch")
        elif arguments.command == "packages":
            install(arguments.sets, ROOM_MB["packages"])
        else:
            install(["base.txt", "test.txt"], ROOM_MB["test"])
            hand_over(str(ROOT / "requirements" / "checks.py"))
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def hand_over(*arguments: str) -> None:
    """Replaces this process, so that signals reach the next one directly."""
    sys.stdout.flush()
    os.chdir(ROOT)
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.execv(PYTHON, [str(PYTHON), *arguments])


def refuse_taken_port() -> None:
    """Looks before minutes are spent on installing; the launcher looks again, with `.env` read."""
    text = os.environ.get("AVATAR_PORT", "")
    if not text:
        return
    if not re.fullmatch(r"[1-9]\d{0,4}", text) or int(text) > 65535:
        raise Stop(
            f"AVATAR_PORT must be a whole number from 1 to 65535, but is {text!r}. For example: make run PORT=8123"
        )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((os.environ.get("AVATAR_BIND", "127.0.0.1"), int(text)))
        except PermissionError:
            raise Stop(f"Port {text} is reserved for the system. Take one above 1023: make run PORT=8123") from None
        except OSError as error:
            if error.errno == 98:  # EADDRINUSE; others are the launcher's to explain
                raise Stop(
                    f"Port {text} is taken by another program (an AVATAR that runs already?). "
                    "Stop it, or take another port: make run PORT=8123"
                ) from None


def install(sets: list[str], room_mb: int) -> None:
    """Makes `.venv` and installs the pinned sets, unless the same ones are there."""
    wanted = {name: hashlib.sha256((ROOT / "requirements" / name).read_bytes()).hexdigest() for name in sets}
    usable = environment_is_usable()
    marks = read_marks() if usable else {}
    if all(marks.get(name) == digest for name, digest in wanted.items()):
        return
    free_mb = shutil.disk_usage(ROOT).free >> 20
    if free_mb < room_mb:
        raise Stop(
            f"The disk of {ROOT} has {free_mb} MB free, and installing takes about {room_mb} MB. "
            "Free some room, then run the same command again. Nothing was installed."
        )
    if not usable:
        make_environment()
    print(f"Installing the packages of {' and '.join(f'requirements/{name}' for name in sets)} into .venv", flush=True)
    files = [option for name in sets for option in ("-r", str(ROOT / "requirements" / name))]
    # The sets are complete and resolved: no dependency is looked up, and nothing is compiled.
    pip("install", "--no-deps", "--only-binary", ":all:", *files)
    MARKS.write_text(json.dumps({**marks, **wanted}), encoding="utf-8")


def read_marks() -> dict[str, str]:
    try:
        marks = json.loads(MARKS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marks if isinstance(marks, dict) else {}


def environment_is_usable() -> bool:
    """False when there is none, or one of another Python, or one that was cut short."""
    try:
        test = "import sys, pip; sys.exit(sys.version_info[:2] != (3, 11))"
        return subprocess.run([PYTHON, "-c", test], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_environment() -> None:
    """A fresh `.venv` with pip, also where Debian has split off ensurepip (python3.11-venv is not needed)."""
    try:
        if VENV.is_symlink():
            VENV.unlink()
        venv.EnvBuilder(clear=True, symlinks=True).create(VENV)
        if subprocess.run([PYTHON, "-m", "ensurepip", "--upgrade"], capture_output=True, check=False).returncode:
            fetch_pip()
    except OSError as error:
        raise Stop(f"{VENV} cannot be made: {error}. Check the disk and the right to write in {ROOT}.") from None


def fetch_pip() -> None:
    """Fetches pip's wheel from the package index, checks it, and lets it install itself."""
    index = (os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple").rstrip("/")
    request = urllib.request.Request(f"{index}/pip/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    trust = ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))
    try:
        with urllib.request.urlopen(request, timeout=30, context=trust) as page:
            files = json.load(page)["files"]
        found = next(file for file in files if file["filename"] == PIP_WHEEL)
        with urllib.request.urlopen(found["url"], timeout=60, context=trust) as answer:
            content = answer.read()
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise Stop(
            f"pip is not there, and fetching it from {index} failed: {error!r}. Check the network (and on a bare "
            "Debian the package ca-certificates), or install it: apt-get install python3.11-venv. Then run again."
        ) from None
    if hashlib.sha256(content).hexdigest() != PIP_SHA256:
        raise Stop(f"{PIP_WHEEL} from {index} is not the file expected (its SHA-256 differs), and is not used.")
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / PIP_WHEEL
        wheel.write_bytes(content)
        command = [str(PYTHON), f"{wheel}/pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
        subprocess.run(command, check=True)


def pip(*arguments: str) -> None:
    """Runs pip, showing what it shows; raises `Stop` with the likely reason when it fails."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            sys.stderr.write(line)
            said.append(line)
    if process.returncode == 0:
        return
    text = "".join(said)
    if "No space left on device" in text or "Disk quota exceeded" in text:
        raise Stop(f"The disk is full ({shutil.disk_usage(ROOT).free >> 20} MB free). Free some room, then run again.")
    if re.search(NO_NETWORK, text):
        raise Stop(
            "The package index cannot be reached, so nothing was installed. Check the network (proxy: HTTPS_PROXY; "
            "another index: PIP_INDEX_URL), then run the same command again; what was downloaded is kept."
        )
    raise Stop("pip could not install the packages; its message is above. Then run the same command again.")


if __name__ == "__main__":
    sys.exit(main())
