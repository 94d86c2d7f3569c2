"""Where one host's engines have their sockets and their logs."""

import hashlib
from pathlib import Path

from inference.config import Config


def folder_of(settings: Config) -> Path:
    """Of this host alone: another one on the same data has another address. Made on first use, for this user alone."""
    return settings.data_dir / f"engines-{short_name(settings.engine_url)}"


def short_name(url: str) -> str:
    """Eight characters for an address: paths of sockets must be short."""
    return hashlib.blake2b(url.encode(), digest_size=4).hexdigest()
