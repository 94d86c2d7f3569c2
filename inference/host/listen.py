"""Where the host listens, and that it is the only one there."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from inference.config import Config

_LONGEST_PATH = 107
_LOST_AFTER_MS = 20_000
"""A peer whose machine is gone without a word is given up after this long."""


class CannotListen(Exception):
    """Another host is there, or the address cannot be used; the message says what to do."""


@contextmanager
def listening(settings: Config) -> Iterator[socket.socket]:
    """The socket of ``settings.engine_url``; raises `CannotListen`."""
    path = settings.unix_socket
    if path is not None:
        with _owned(path), _unix(path) as sock:
            yield sock
    else:
        with _tcp(settings) as sock:
            yield sock


@contextmanager
def _owned(path: Path) -> Iterator[None]:
    """Holds the lock beside the socket; the system frees it when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = path.with_name(path.name + ".lock")
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read(20).strip()
            raise CannotListen(
                f"Another engine host (process {owner}) owns {path}. Stop it, or set AVATAR_ENGINE_URL or "
                "AVATAR_DATA_DIR to another place."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def _unix(path: Path) -> Iterator[socket.socket]:
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise CannotListen(
            f"The path of the socket is longer than {_LONGEST_PATH} bytes: {path}. Set AVATAR_ENGINE_URL."
        )
    path.unlink(missing_ok=True)  # left by a host that was killed: the lock says that none lives
    sock = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        sock.bind(str(path))
    except OSError as error:
        sock.close()
        raise CannotListen(f"Cannot listen at {path}: {error.strerror}.") from None
    finally:
        os.umask(before)
    try:
        yield sock
    finally:
        sock.close()
        path.unlink(missing_ok=True)


@contextmanager
def _tcp(settings: Config) -> Iterator[socket.socket]:
    parts = urlsplit(settings.engine_url)
    address = parts.hostname or ""
    if parts.scheme != "http" or not address or not parts.port:
        raise CannotListen(
            f"AVATAR_ENGINE_URL must be unix:/path/to.sock or http://host:port, but it is {settings.engine_url!r}."
        )
    family, _, _, _, where = socket.getaddrinfo(address, parts.port, type=socket.SOCK_STREAM)[0]
    loopback = where[0] == "::1" or str(where[0]).startswith("127.")
    if not loopback and not settings.engine_api_key:
        raise CannotListen(f"{address} can be reached by others: set AVATAR_ENGINE_API_KEY before listening there.")
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _LOST_AFTER_MS)  # connections inherit it
    try:
        sock.bind(where)
    except OSError as error:
        sock.close()
        raise CannotListen(f"Cannot listen at {settings.engine_url}: {error.strerror}.") from None
    with sock:
        yield sock
