"""What `make test` does in the installed environment: what it needs first, then every check; pytest speaks last."""

import base64
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
ENGINES = ("f5-cpu", "vllm-cpu", "watermark")
"""Environments of heavy engines, made once on a machine and kept outside the checkout (`AVATAR_ENGINES_DIR`)."""
ONCE_MORE = ("--reruns", "1", "--reruns-delay", "2", "-rR")
"""Real servers and models on a machine that others load too may miss a moment once; what was run again is listed."""


def main() -> int:
    os.chdir(ROOT)
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    problem = install_debian_packages()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="avatar-checks-") as data:
        # Checks that read the settings need keys and a data folder, and not those of an installation.
        master_key = base64.b64encode(bytes(32)).decode()
        settings = {
            "AVATAR_SECRET_KEY": "for checks only",
            "AVATAR_MASTER_KEY": master_key,
            "AVATAR_DATA_DIR": data,
            "DATABASE_URL": "",
        }
        steps: list[tuple[str, list[str]]] = [
            ("models", [sys.executable, "-m", "inference.catalogue", "pull"]),
            ("models", [sys.executable, "-m", "inference.catalogue", "pull", "kokoro"]),
            ("engines", [sys.executable, "manage.py", "engines", "prepare", *ENGINES]),
            ("browser libraries", [sys.executable, "-m", "avatar_project.launch.browser", "--required"]),
            ("lint", ["ruff", "check", "."]),
            ("format", ["ruff", "format", "--check", "."]),
            ("types", ["mypy", "."]),
            ("import rules", ["lint-imports"]),
            ("migrations", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]),
        ]
        failed = [name for name, command in steps if not passes(name, command, settings)]
    # What the database could make a difference to, on PostgreSQL (docs/adr/0017); then everything.
    on_postgresql = {"AVATAR_TEST_DATABASE": "postgresql"}
    failed += (
        []
        if passes("on PostgreSQL", [sys.executable, "-m", "pytest", *ONCE_MORE], on_postgresql)
        else ["on PostgreSQL"]
    )
    failed += [] if passes("tests", [sys.executable, "-m", "pytest", *ONCE_MORE], {}) else ["tests"]
    if failed:
        print(f"\nFailed: {', '.join(dict.fromkeys(failed))}", file=sys.stderr)
    return 1 if failed else 0


def passes(name: str, command: list[str], settings: dict[str, str]) -> bool:
    """Runs one check, saying which and how long it took."""
    print(
        f"\n--- {name}: {' '.join(Path(command[0]).name if n == 0 else w for n, w in enumerate(command))}", flush=True
    )
    began = time.monotonic()
    code = subprocess.run(command, env=os.environ | settings, check=False).returncode
    if name != "tests":  # pytest's closing line stays the last
        print(f"--- {name}: {'ok' if code == 0 else 'failed'} in {time.monotonic() - began:.0f} s", flush=True)
    return code == 0


def install_debian_packages() -> str:
    """Installs what is missing; returns what to tell people when it cannot."""
    lines = (ROOT / "requirements" / "debian.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not shutil.which("dpkg-query"):
        return f"The tests need these of Debian's packages, by whatever name they have here: {', '.join(wanted)}."
    missing = [name for name in wanted if not is_installed(name)]
    if not missing:
        return ""
    by_hand = f"apt-get update && apt-get install --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0:
        return f"The tests need Debian packages that are not installed. As root: {by_hand}"
    print(f"Installing Debian packages: {', '.join(missing)}", flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    for command in (["apt-get", "update", "-qq"], install):
        if subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, check=False).returncode:
            return f"Debian packages could not be installed (the reason is above). By hand: {by_hand}"
    return ""


def is_installed(package: str) -> bool:
    query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", package]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout.startswith("ii")


if __name__ == "__main__":
    sys.exit(main())
