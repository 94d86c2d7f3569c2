"""What the address that the server is bound to says about who can reach it."""

import ipaddress
from collections.abc import Iterable

LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})


def is_loopback(host: str) -> bool:
    """Whether a bind address or a host name means this machine alone."""
    host = host.strip("[]").rstrip(".").lower()
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def guests_admitted(bind: str, allowed_hosts: Iterable[str], choice: str = "auto") -> bool:
    """``auto``: only when bound to loopback and known by no name that another machine could use."""
    if choice != "auto":
        return choice == "on"
    return is_loopback(bind) and all(is_loopback(host) for host in allowed_hosts)
