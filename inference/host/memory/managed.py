"""What the gate manages: engines of the host's process, engines with a process of their own, sessions' buffers."""

import os
from collections.abc import Mapping
from typing import Protocol

from inference.choice import CPU
from inference.engines.base import TextToSpeech
from inference.errors import EngineRefused
from inference.gate.terms import Declaration, EngineLife, Role
from inference.host.chat.embedded import EmbeddedChat
from inference.host.children.child import Child
from inference.host.registry import Registry
from inference.host.slot import EngineSlot
from inference.machine import HOST
from inference.types import EngineKind, EngineState

_MB = 1024**2
SESSION_BYTES = 24 * _MB
"""Allowed for a session beside its chat: sound, windows, connections, in the web process and the host."""
HOST_BYTES = 160 * _MB
"""Python and its libraries in the host's own process."""
_LIVES: dict[EngineState, EngineLife] = {
    "absent": "absent",
    "unloaded": "absent",
    "loading": "loading",
    "failed": "loading",  # it is tried again: what it was promised stays its own
    "ready": "loaded",
}


class Managed(Protocol):
    """One engine as the gate sees it."""

    @property
    def declared(self) -> Declaration: ...

    @property
    def kind(self) -> EngineKind | None: ...

    @property
    def model(self) -> str: ...

    @property
    def life(self) -> EngineLife: ...

    @property
    def pids(self) -> frozenset[int] | None:
        """Its processes, for measuring; None when it shares one with others."""

    async def load(self) -> None:
        """Has it loaded; need not wait for that."""

    async def unload(self) -> None:
        """Ends it, whatever it is doing."""


class ManagedChild:
    """An engine with a process of its own."""

    def __init__(self, child: Child, declared: Declaration) -> None:
        self.declared = declared
        self.kind = child.spec.kind
        self.model = child.spec.model
        self._child = child

    @property
    def life(self) -> EngineLife:
        return _LIVES[self._child.status.state]

    @property
    def pids(self) -> frozenset[int]:
        return frozenset(self._child.pids)

    async def load(self) -> None:
        await self._child.load()

    async def unload(self) -> None:
        await self._child.unload()


class ManagedVoice:
    """A voice in the host's own process."""

    pids = None

    def __init__(self, slot: EngineSlot[TextToSpeech], declared: Declaration, registry: Registry) -> None:
        self.declared = declared
        self.kind = slot.kind
        self.model = slot.model
        self._slot = slot
        self._registry = registry

    @property
    def life(self) -> EngineLife:
        return _LIVES[self._slot.status.state]

    async def load(self) -> None:
        await self._registry.load(self._slot)

    async def unload(self) -> None:
        await self._slot.unload()


class HostProcess:
    """The host itself with what is always in it; never unloaded."""

    kind = None
    model = ""
    life: EngineLife = "loaded"

    def __init__(self, memory: int, models: tuple[str, ...] = ()) -> None:
        self.declared = Declaration("host", "core", HOST, memory, restarts=False)
        self.models = models
        """What is always in it."""
        self.pids = frozenset({os.getpid()})

    async def load(self) -> None:
        """It is."""

    async def unload(self) -> None:
        """It is not."""


class EmbeddedBackend:
    """The embedded chat model's child process, which watches over itself."""

    kind: EngineKind = "chat"

    def __init__(self, chat: EmbeddedChat, memory: int) -> None:
        self.declared = Declaration("llama.cpp", "core", HOST, memory)
        self._chat = chat

    @property
    def model(self) -> str:
        return self._chat.status.model

    @property
    def life(self) -> EngineLife:
        return _LIVES[self._chat.status.state]

    @property
    def pids(self) -> frozenset[int]:
        return frozenset(self._chat.pids)

    async def load(self) -> None:
        """It is started again by itself."""

    async def unload(self) -> None:
        """Ends this life of it; the next begins at once."""
        self._chat.restart()


class Buffers:
    """What each session takes beside the engines."""

    kind = None
    model = ""
    life: EngineLife = "loaded"
    pids = None
    declared = Declaration("sessions", "core", HOST, 0, session=SESSION_BYTES, restarts=False)

    async def load(self) -> None:
        """They are."""

    async def unload(self) -> None:
        """They end with their sessions."""


class UnknownEngine(EngineRefused):
    """No engine here has that name."""

    code = "model_not_found"


def named(managed: Mapping[str, Managed], name: str) -> Managed:
    """By an engine's name or its model's, also one that is always in the host; raises `UnknownEngine`."""
    host = managed.get("host")
    if isinstance(host, HostProcess) and name in host.models:
        return host
    found = managed.get(name) or next((item for item in managed.values() if item.model == name), None)
    if found is None or not found.model:
        known = ", ".join(sorted(item.model for item in managed.values() if item.model))
        raise UnknownEngine(f"There is no engine {name[:100]!r} here. There are: {known}.")
    return found


def device_of(device: str) -> str:
    """The gate's name of where an engine is."""
    return HOST if device == CPU else device


def role_of(child: Child) -> Role:
    """What an engine with a process of its own is for: what clones gives way before what everybody needs."""
    if child.spec.kind != "tts":
        return "clone" if child.spec.kind == "watermark" else "core"
    return "fine" if child.spec.on_demand else "clone"
