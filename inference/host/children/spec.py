"""What an engine in a process of its own is: how it is started, where it answers, what it takes."""

from collections.abc import Mapping
from pathlib import Path

import aiohttp
import msgspec

from inference.host.children.environment import Environment
from inference.types import EngineKind, called


class Address(msgspec.Struct, frozen=True):
    """Where an engine answers: a Unix socket (for this user alone), or a port on the loopback interface."""

    socket: Path | None = None
    port: int = 0

    @property
    def url(self) -> str:
        """The base of its addresses, without a slash at the end; with a socket, for `connector` only."""
        return "http://engine" if self.socket else f"http://127.0.0.1:{self.port}"

    def connector(self) -> aiohttp.BaseConnector:
        """Connections to it, a new one for each request: over a socket that takes microseconds.

        None is reused, so none can be found closed by an engine that was started again.
        """
        if self.socket:
            return aiohttp.UnixConnector(path=str(self.socket), force_close=True, limit=0)
        return aiohttp.TCPConnector(force_close=True, limit=0)


class EngineSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to run one engine."""

    name: str
    """Of its log, its socket and its routes: ``vllm``, ``f5``."""
    kind: EngineKind
    model: str
    """What people call it; may hold the name of a model."""
    environment: Environment | None
    """Whose Python runs ``argv``; None: ``python``."""
    argv: tuple[str, ...]
    """What comes after the Python: ``("-m", "package", "--option", ...)``."""
    address: Address
    python: str = ""
    """Of an environment that is not ours to make; empty: this process' own."""
    env: Mapping[str, str] = {}
    health_path: str = "/health"
    """Answers 200 when it can serve, or 200 with ``{"state", "progress", "detail", "memory_bytes"}``."""
    memory_bytes: int = 0
    """What it is expected to take of ``device``; corrected by measurement."""
    device: str = "cpu"
    """``cpu``, or ``cuda:0`` and so on."""
    languages: tuple[str, ...] = ()
    progress_said: str = ""
    """A pattern whose group is the progress of loading in percent, in what the engine says meanwhile."""
    load_timeout_s: float = 600.0
    """A start that takes longer is ended and tried again."""
    grace_s: float = 2.0
    """What it gets to end by itself when asked to."""
    on_demand: bool = False
    """Started by `Child.load`, not with the host."""

    @property
    def called(self) -> str:
        """For people: settings, logs and commands have the engine's name, lists of models its model's."""
        return called(self.name, self.model)
