"""Where the web server listens, and under which address people open it."""

import errno
import ipaddress
import socket

import msgspec

from avatar_project.bind import is_loopback
from avatar_project.launch.stages import Stop

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Place(msgspec.Struct, frozen=True):
    """Bind address and port, and the host names that the server answers to."""

    bind: str
    port: int
    hosts: tuple[str, ...]
    https: bool

    @property
    def address(self) -> str:
        """What to open in a browser."""
        public = [host for host in self.hosts if host[0] not in "*." and not is_loopback(host)]
        if public and self.https:
            return f"https://{public[0]}/"
        host = "localhost" if is_loopback(self.bind) or not public else public[0]
        return f"http://{host}:{self.port}/"

    @property
    def probe(self) -> tuple[str, dict[str, str]]:
        """URL of `/health` as seen from this machine, with the headers that a proxy in front would send."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)  # noqa: S104  (compared, not bound)
        known = next((name for name in self.hosts if name[0] not in "*."), host)
        headers = {"Host": known if known not in LOOPBACK else f"{known}:{self.port}"}
        if self.https:
            headers["X-Forwarded-Proto"] = "https"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/health", headers


def refuse_taken(place: Place) -> None:
    """Raises `Stop` when nobody could listen there."""
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(place.bind).version == 6 else socket.AF_INET
    except ValueError:
        family = socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((place.bind, place.port))
        except OSError as error:
            raise Stop(_explained(place, error)) from None


def _explained(place: Place, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {place.port} is taken by another program (an AVATAR that runs already?). "
            "Stop it, or take another port: make run PORT=8123"
        )
    if error.errno == errno.EACCES:
        return f"Port {place.port} is reserved for the system. Take one above 1023: make run PORT=8123"
    return (
        f"AVATAR_BIND must be an address of this machine (127.0.0.1: only this machine; 0.0.0.0: all), but "
        f"{place.bind!r} is none: {error.strerror or error}."
    )
