"""The two keys of an installation, written once into `.env`."""

import base64
import os
import secrets
from pathlib import Path

from dotenv import dotenv_values

HEADER = """\
# The settings of this AVATAR; .env.example explains all there are. A variable of the environment goes before this file.
"""
COMMENTS = {
    "AVATAR_SECRET_KEY": "Signs cookies. Changing it signs everybody out.",
    "AVATAR_MASTER_KEY": "Opens every conversation. Keep a copy elsewhere: without it none can be read again.",
}
ELSEWHERE = {"AVATAR_MASTER_KEY": ("AVATAR_MASTER_KEY_FILE",)}
"""Variables that say where a key is already."""


def write_missing(file: Path) -> list[str]:
    """Adds the keys that neither the environment nor ``file`` has; returns lines for people.

    The file is readable by its owner alone. Raises `OSError` when it cannot be written.
    """
    have = dotenv_values(file) if file.exists() else {}
    missing = [
        name
        for name in COMMENTS
        if not any(os.environ.get(given) or have.get(given) for given in (name, *ELSEWHERE.get(name, ())))
    ]
    if not missing:
        return []
    new = not file.exists()
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(HEADER if new else "\n")
        for name in missing:
            out.write(f"# {COMMENTS[name]}\n{name}={_fresh(name)}\n")
        out.flush()
        os.fsync(out.fileno())
    return [f"Fresh keys are in {file} ({', '.join(missing)}). Keep a copy of it in a safe place."]


def _fresh(name: str) -> str:
    if name == "AVATAR_MASTER_KEY":
        return base64.b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(50)
